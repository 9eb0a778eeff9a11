# Written by `python -m deploy.terraform_files` from template.yaml.

locals {
  parameters = {
    ReleaseBucket          = var.release_bucket
    ReleasePrefix          = var.release_prefix
    AtlasSecretArn         = var.atlas_secret_arn
    AtlasBaseUrl           = var.atlas_base_url
    AtlasProjectIds        = var.atlas_project_ids
    SweepMinutes           = var.sweep_minutes
    NotifyEmail            = var.notify_email
    NotifyChat             = var.notify_chat
    NotifySecretArn        = var.notify_secret_arn
    NotifyChanges          = var.notify_changes
    Report                 = var.report
    RestoreTestDays        = var.restore_test_days
    RestoreTestTag         = var.restore_test_tag
    RestoreTestCounts      = var.restore_test_counts
    Measure                = var.measure
    MemorySize             = var.memory_size
    LogLevel               = var.log_level
    LogRetentionDays       = var.log_retention_days
    Metrics                = var.metrics
    AlarmTopicArn          = var.alarm_topic_arn
    RtoMinutes             = var.rto_minutes
    RpoMinutes             = var.rpo_minutes
    CreateAlarms           = var.create_alarms
    CreateDashboard        = var.create_dashboard
    SubnetIds              = var.subnet_ids
    SecurityGroupIds       = var.security_group_ids
    KmsKeyArn              = var.kms_key_arn
    PermissionsBoundaryArn = var.permissions_boundary_arn
    NamePrefix             = var.name_prefix
  }
}
