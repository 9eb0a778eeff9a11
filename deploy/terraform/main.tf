# Installs a release of Atlas Restore Watch: copies its files into a bucket of yours, and makes the stack of its own
# template. The resources stay CloudFormation's; here is nothing that the template does not have.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "stack_name" {
  description = "Name of the stack."
  type        = string
  default     = "atlas-restore-watch"
}

variable "release_folder" {
  description = "Path of the folder of a release, with its template and its zips."
  type        = string
}

variable "tags" {
  description = "Tags of the stack, which its resources get."
  type        = map(string)
  default     = {}
}

data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  # The template names the folder of its version.
  folder = regex("([0-9A-Za-z.-]+)/layer[.]zip", file("${var.release_folder}/template.yaml"))[0]
  files  = toset(["template.yaml", "layer.zip", "restore_watch.zip", "notify_people.zip"])
}

resource "aws_s3_object" "release" {
  for_each = local.files

  bucket      = var.release_bucket
  key         = "${var.release_prefix}${local.folder}/${each.key}"
  source      = "${var.release_folder}/${each.key}"
  source_hash = filesha256("${var.release_folder}/${each.key}")
}

resource "aws_cloudformation_stack" "restore_watch" {
  name         = var.stack_name
  template_url = "https://${var.release_bucket}.s3.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}/${aws_s3_object.release["template.yaml"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
  tags         = var.tags

  # A variable that is not set has the default of the template.
  parameters = { for name, value in local.parameters : name => tostring(value) if value != null }

  # With the first version that fails, nothing is left; the table of a stack that worked is kept.
  on_failure = "DELETE"

  depends_on = [aws_s3_object.release]
}
