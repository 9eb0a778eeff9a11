# Written by `python -m deploy.terraform_files` from template.yaml.

variable "release_bucket" {
  description = "Bucket of your own, in this region, into which you have copied the release's files."
  type        = string
  validation {
    condition     = (can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.release_bucket)))
    error_message = "ReleaseBucket must be the name of a bucket."
  }
}

variable "release_prefix" {
  description = "What the keys of these files begin with, before the folder of the version. It ends in a slash. Leave empty if that folder lies at the top of the bucket."
  type        = string
  default     = "atlas-restore-watch/"
  validation {
    condition     = var.release_prefix == null ? true : (can(regex("^([A-Za-z0-9_.-]+/){0,10}$", var.release_prefix)))
    error_message = "ReleasePrefix must be empty, or letters, digits, dots, hyphens and underscores that end in a slash."
  }
}

variable "atlas_secret_arn" {
  description = "Full ARN of the Secrets Manager secret, in this region, that holds the Atlas credentials as JSON: a service account (client_id, client_secret) or an API key (public_key, private_key). A full ARN ends in the secret's name, a hyphen and six random characters, which are not part of the name. It is the ARN that the command \"aws secretsmanager describe-secret --secret-id <name>\" prints. Take care with a name that itself ends in a hyphen and six characters: without the random ones, its ARN looks full but there is no such secret: the stack deploys, and every check fails with CredentialsError."
  type        = string
  validation {
    condition     = (can(regex("^arn:aws(-[a-z]+)*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]{1,189}-[A-Za-z0-9]{6}$", var.atlas_secret_arn)))
    error_message = "AtlasSecretArn must be the full ARN of a secret, which ends in its name of at most 189 characters, a hyphen and the six random characters of Secrets Manager; \"aws secretsmanager describe-secret --secret-id <name>\" prints it."
  }
}

variable "atlas_project_ids" {
  description = "Ids of the Atlas projects in which every restore is found, with commas between them; 100 at most. With \"all\", every project that the credentials can read is watched. With \"\", only jobs that an event names are followed."
  type        = string
  default     = null
  validation {
    condition     = var.atlas_project_ids == null ? true : (contains(["", "all"], var.atlas_project_ids) || length(split(",", var.atlas_project_ids)) <= 100 && alltrue([for id in split(",", var.atlas_project_ids) : can(regex("^ ?[a-f0-9]{24} ?$", id))]))
    error_message = "AtlasProjectIds must be empty, the word all, or at most 100 ids of 24 hexadecimal digits (0 to 9, a to f) with commas between them."
  }
}

variable "notify_email" {
  description = "Address that gets an e-mail when a restore ends, a download is ready, or the watch cannot see a project, and the alarms too, unless AlarmTopicArn is set. SNS asks for a confirmation of each of the two first. Leave empty for no e-mail; subscribe further addresses to the topics EmailTopicArn and AlarmEmailTopicArn."
  type        = string
  default     = null
  validation {
    condition     = var.notify_email == null ? true : (can(regex("^([^@\\s<>,;:\"']+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+)?$", var.notify_email)))
    error_message = "NotifyEmail must be empty or an e-mail address."
  }
}

variable "notify_secret_arn" {
  description = "Full ARN of a Secrets Manager secret, in this region, with one or more of these keys as JSON: slack_webhook_url, teams_webhook_url, pagerduty_routing_key. Messages go to each of them. They are credentials: anyone who has one can write to the channel. An account of PagerDuty's EU service region also needs the key pagerduty_url with the value https://events.eu.pagerduty.com. Leave empty to use none of them."
  type        = string
  default     = null
  validation {
    condition     = var.notify_secret_arn == null ? true : (can(regex("^(arn:aws(-[a-z]+)*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]{1,512}-[A-Za-z0-9]{6})?$", var.notify_secret_arn)))
    error_message = "NotifySecretArn must be empty or the full ARN of a secret, which ends in six random characters."
  }
}

variable "notify_chat" {
  description = "With \"yes\", the stack has a topic for Amazon Q Developer in chat applications, which shows the messages in a channel of Slack or Microsoft Teams, one thread for each restore. Add the topic (output ChatTopicArn) to the channel's configuration in Amazon Q."
  type        = string
  default     = null
  validation {
    condition     = var.notify_chat == null ? true : (contains(["yes", "no"], tostring(var.notify_chat)))
    error_message = "NotifyChat must be one of yes, no."
  }
}

variable "report" {
  description = "How often a report says which clusters had a restore test: daily, weekly (on Mondays) or monthly (on the first), at 06:00 UTC. It lies in a bucket of the stack, and a message on the topic sums it up. With \"off\", the stack has none of it, and a bucket that it had is kept."
  type        = string
  default     = null
  validation {
    condition     = var.report == null ? true : (contains(["off", "daily", "weekly", "monthly"], tostring(var.report)))
    error_message = "Report must be one of off, daily, weekly, monthly."
  }
}

variable "atlas_base_url" {
  description = "Address of the Atlas Admin API, which receives the credentials. An address of MongoDB's in the secret overrides it."
  type        = string
  default     = null
  validation {
    condition     = var.atlas_base_url == null ? true : (contains(["https://cloud.mongodb.com", "https://cloud.mongodbgov.com"], tostring(var.atlas_base_url)))
    error_message = "AtlasBaseUrl must be MongoDB's commercial or government address."
  }
}

variable "sweep_minutes" {
  description = "Minutes between two sweeps, which find and follow jobs. The more minutes, the later changes are reported. With 1, a hot job is asked about every ten seconds: one that has not ended, for 30 minutes after it was scheduled, first seen or last changed. With more, each job is asked about once in a sweep, which costs less. A dedicated cluster's download link is valid for one hour, so sweep every few minutes at least to get it."
  type        = string
  default     = null
  validation {
    condition     = var.sweep_minutes == null ? true : (contains(["1", "2", "3", "5", "10", "15", "30", "60"], tostring(var.sweep_minutes)))
    error_message = "SweepMinutes must be one of 1, 2, 3, 5, 10, 15, 30, 60."
  }
}

variable "notify_changes" {
  description = "Which changes are sent to people, with commas between them: started, progressed, ready (a download can be fetched), ended, degraded and recovered (the watch cannot see a project, and sees it again), validated (a pipeline has tested the restored data, or, with RestoreTestCounts as measured, the data differ from their source), expiring (the secret of the service account), failed (of these only what went wrong), report (which clusters had a restore test), or all."
  type        = string
  default     = null
  validation {
    condition     = var.notify_changes == null ? true : (can(regex("^(all|(started|progressed|ready|ended|degraded|recovered|validated|expiring|failed|report)( ?, ?(started|progressed|ready|ended|degraded|recovered|validated|expiring|failed|report)){0,9})$", var.notify_changes)))
    error_message = "NotifyChanges must be the word all, or words of started, progressed, ready, ended, degraded, recovered, validated, expiring, failed and report with commas between them."
  }
}

variable "restore_test_days" {
  description = "Days after which a cluster needs another restore test. The table keeps a restore for 400 days."
  type        = number
  default     = null
  validation {
    condition     = var.restore_test_days == null ? true : (var.restore_test_days >= 1) && (var.restore_test_days <= 400)
    error_message = "RestoreTestDays must be from 1 to 400."
  }
}

variable "restore_test_tag" {
  description = "Tag of the clusters in Atlas that need a restore test, as key=value. With \"\", every cluster needs one. The tag restore-test=exempt excuses a cluster."
  type        = string
  default     = null
  validation {
    condition     = var.restore_test_tag == null ? true : (can(regex("^([A-Za-z0-9;@_.+:/-][A-Za-z0-9 ;@_.+:/-]{0,127}=[A-Za-z0-9 ;@_.+:/-]{0,127}[A-Za-z0-9;@_.+:/-])?$", var.restore_test_tag)))
    error_message = "RestoreTestTag must be empty, or a key, an equals sign and a value, each of at most 128 letters, digits, blanks and ;@_.+:/-."
  }
}

variable "restore_test_counts" {
  description = "What counts as a restore test: a completed restore of a whole cluster into a cluster (restored); only one whose data a pipeline of yours has tested and found good (verified); or such a one, and one whose measurement matches (measured). With \"measured\", which needs Measure as yes, data that differ from their source need a look."
  type        = string
  default     = null
  validation {
    condition     = var.restore_test_counts == null ? true : (contains(["restored", "measured", "verified"], tostring(var.restore_test_counts)))
    error_message = "RestoreTestCounts must be one of restored, measured, verified."
  }
}

variable "measure" {
  description = "With \"yes\", each completed restore of a dedicated cluster is compared with its source, by the numbers of documents, collections and indexes that Atlas keeps of each database. It makes no connection to a database, and needs no role but Project Read Only, in the project of the source and in that of the target. With \"no\", the stack has none of it."
  type        = string
  default     = null
  validation {
    condition     = var.measure == null ? true : (contains(["yes", "no"], tostring(var.measure)))
    error_message = "Measure must be one of yes, no."
  }
}

variable "memory_size" {
  description = "Memory of the function in MB. A check needs about 70 and mostly waits for Atlas. Lambda gives processor time in proportion to memory: 512 keeps TLS and the first start short, and more lets a sweep ask for more jobs in its minute. A new account may have a lower limit than 10240."
  type        = number
  default     = null
  validation {
    condition     = var.memory_size == null ? true : (var.memory_size >= 256) && (var.memory_size <= 10240)
    error_message = "MemorySize must be between 256 and 10240."
  }
}

variable "log_level" {
  description = "Least severe level that is logged. INFO is one line for each sweep, and one for each job that an event names or that a sweep finds changed."
  type        = string
  default     = null
  validation {
    condition     = var.log_level == null ? true : (contains(["DEBUG", "INFO", "WARNING", "ERROR"], tostring(var.log_level)))
    error_message = "LogLevel must be one of DEBUG, INFO, WARNING, ERROR."
  }
}

variable "log_retention_days" {
  description = "Days after which CloudWatch Logs deletes the function's log lines."
  type        = number
  default     = null
  validation {
    condition     = var.log_retention_days == null ? true : (contains(["1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"], tostring(var.log_retention_days)))
    error_message = "LogRetentionDays must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "metrics" {
  description = "With \"yes\", the stack has metrics of its own, which its alarms and its dashboard read; CloudWatch bills each of them. With \"no\", alarms look at metrics of AWS only."
  type        = string
  default     = null
  validation {
    condition     = var.metrics == null ? true : (contains(["yes", "no"], tostring(var.metrics)))
    error_message = "Metrics must be yes or no; give yes for all or essential of version 1, and no for none. Twelve parameters of version 1 are gone: read Upgrade to 2.0 on the page Deploying first."
  }
}

variable "alarm_topic_arn" {
  description = "ARN of an SNS topic of your own, in this region, to which alarms are published when they are raised and when they are over. With \"\", they are sent to NotifyEmail by a topic that the stack makes; without an address, CloudWatch only shows them. CloudWatch cannot publish to a topic that is encrypted with the AWS managed key of SNS: leave a topic of your own unencrypted, or use a customer managed key whose policy allows the service cloudwatch.amazonaws.com to use kms:Decrypt and kms:GenerateDataKey*. The stack's own topics are not for this parameter."
  type        = string
  default     = null
  validation {
    condition     = var.alarm_topic_arn == null ? true : (can(regex("^(arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$", var.alarm_topic_arn)))
    error_message = "AlarmTopicArn must be empty or the ARN of a standard topic."
  }
}

variable "rto_minutes" {
  description = "Recovery time objective: minutes that a restore may take, from scheduled to finished. A longer one raises an alarm, also while it still runs. The tag rto of a cluster, such as 4h, goes before. With 0 there is no such alarm."
  type        = string
  default     = null
  validation {
    condition     = var.rto_minutes == null ? true : (can(regex("^(0|[1-9][0-9]{0,6})$", var.rto_minutes)))
    error_message = "RtoMinutes must be 0 or a whole number of minutes."
  }
}

variable "rpo_minutes" {
  description = "Recovery point objective: minutes that a snapshot may be old when its restore is scheduled. An older one raises an alarm. With 0 there is no such alarm."
  type        = string
  default     = null
  validation {
    condition     = var.rpo_minutes == null ? true : (can(regex("^(0|[1-9][0-9]{0,6})$", var.rpo_minutes)))
    error_message = "RpoMinutes must be 0 or a whole number of minutes."
  }
}

variable "create_alarms" {
  description = "With \"no\", the stack has no alarms. Which ones it has depends on Metrics. CloudWatch bills an alarm by the metrics that it looks at."
  type        = string
  default     = null
  validation {
    condition     = var.create_alarms == null ? true : (contains(["yes", "no"], tostring(var.create_alarms)))
    error_message = "CreateAlarms must be one of yes, no."
  }
}

variable "create_dashboard" {
  description = "With \"yes\", the stack has a dashboard of its metrics and those of AWS. CloudWatch bills each one after the first three of an account."
  type        = string
  default     = null
  validation {
    condition     = var.create_dashboard == null ? true : (contains(["yes", "no"], tostring(var.create_dashboard)))
    error_message = "CreateDashboard must be one of yes, no."
  }
}

variable "subnet_ids" {
  description = "Private subnets for the function, separated by commas. An Atlas access list needs a fixed address, and a function outside a VPC has none: choose subnets whose route to the internet is a NAT gateway, and put the gateway's Elastic IP on the access list of the service account or API key. Leave empty when no access list is required. A NAT gateway with its address costs about 35 to 40 USD a month in us-east-1 (price of 2026), and its traffic is extra; most other regions cost more."
  type        = string
  default     = null
  validation {
    condition     = var.subnet_ids == null ? true : (can(regex("^(subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*)?$", var.subnet_ids)))
    error_message = "SubnetIds must be empty or subnet ids separated by commas, without spaces."
  }
}

variable "security_group_ids" {
  description = "Security groups of the function, separated by commas; they must allow outgoing HTTPS (443). Required with SubnetIds, otherwise empty."
  type        = string
  default     = null
  validation {
    condition     = var.security_group_ids == null ? true : (can(regex("^(sg-[0-9a-f]+(,sg-[0-9a-f]+)*)?$", var.security_group_ids)))
    error_message = "SecurityGroupIds must be empty or security group ids separated by commas, without spaces."
  }
}

variable "kms_key_arn" {
  description = "ARN of a customer managed KMS key, in this region, that encrypts the tables, topics, queues, log groups and the bucket of the reports. Its key policy must first allow what the page Security review lists. Leave empty to use the keys of AWS."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key_arn == null ? true : (can(regex("^(arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.kms_key_arn)))
    error_message = "KmsKeyArn must be empty or the ARN of a KMS key (a policy cannot name an alias)."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of a managed policy that limits what the roles may do. It must allow what the page Security review lists. Leave empty for no boundary."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary_arn == null ? true : (can(regex("^(arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@/_-]+)?$", var.permissions_boundary_arn)))
    error_message = "PermissionsBoundaryArn must be empty or the ARN of a managed IAM policy."
  }
}

variable "name_prefix" {
  description = "Beginning of the name of every function, role, table, topic, queue, log group, layer, rule and schedule group, for organizations that prescribe names. Choose it with the first deployment: a later change replaces all of them, the table too. Each stack of an account needs another prefix. Leave empty to have names generated."
  type        = string
  default     = null
  validation {
    condition     = var.name_prefix == null ? true : (can(regex("^([A-Za-z][A-Za-z0-9-]{0,30}[A-Za-z0-9])?$", var.name_prefix)))
    error_message = "NamePrefix must be empty, or 2 to 32 letters, digits and hyphens that begin with a letter and do not end in a hyphen."
  }
}
