# Installs a release of Atlas Restore Watch, in whose folder this module lies: copies its files into a bucket of yours,
# and makes the stack of its own template. The resources stay CloudFormation's.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.24, < 7.0"
    }
  }
}

variable "stack_name" {
  description = "Name of the stack."
  type        = string
  default     = "atlas-restore-watch"
}

variable "release_folder" {
  description = "Path of the folder of a release, if this module does not lie in it."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack, which its resources get."
  type        = map(string)
  default     = {}
}

data "aws_region" "current" {}

locals {
  release = var.release_folder == null ? path.module : var.release_folder
  # The template names the folder of its version.
  version = regex("([0-9A-Za-z.-]+)/layer[.]zip", file("${local.release}/template.yaml"))[0]
  files   = toset(["template.yaml", "layer.zip", "restore_watch.zip", "notify_people.zip"])
  tag     = { ReleaseVersion = local.version }
  # The name of a region has another attribute in each version of the provider, and this one is the same in both.
  s3 = replace(data.aws_region.current.endpoint, "/^ec2[.]/", "s3.")
}

resource "aws_s3_object" "release" {
  for_each = local.files

  bucket      = var.release_bucket
  key         = "${var.release_prefix}${local.version}/${each.key}"
  source      = "${local.release}/${each.key}"
  source_hash = filesha256("${local.release}/${each.key}")

  # S3 takes ten tags at most, and the provider may have more. To an object without any tag, version 6 of the provider
  # adds them at the next apply all the same.
  tags = local.tag
  override_provider {
    default_tags {
      tags = {}
    }
  }

  # Another version has other keys. The old files are there until the stack is updated: its way back reads them.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "restore_watch" {
  name         = var.stack_name
  template_url = "https://${local.s3}/${var.release_bucket}/${aws_s3_object.release["template.yaml"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]

  # A variable that is not set has the default of the template.
  parameters = { for name, value in local.parameters : name => tostring(value) if value != null }

  # The provider believes the address of a template, and reads tags. If an update has gone back, the tag has too, so the
  # next apply updates again, before it deletes the old files.
  tags = merge(var.tags, local.tag)

  # With subnets, Lambda takes long to remove its network interfaces.
  timeouts {
    update = "60m"
    delete = "60m"
  }

  # With a first version that fails, nothing is left; the table of a stack that worked is kept. The provider replaces a
  # stack for another value of these, which matter only while a stack is made. So it leaves them as the stack has them. The
  # module of 1.1.0 does not: DELETE has to stay.
  on_failure = "DELETE"
  lifecycle {
    ignore_changes = [disable_rollback, on_failure, timeout_in_minutes]
  }

  depends_on = [aws_s3_object.release]
}
