# Written by `python -m deploy.terraform_files` from template.yaml.

locals {
  parameters = {
    ReleaseBucket          = var.release_bucket
    ReleasePrefix          = var.release_prefix
    AtlasSecretArn         = var.atlas_secret_arn
    AtlasProjectIds        = var.atlas_project_ids
    NotifyEmail            = var.notify_email
    NotifySecretArn        = var.notify_secret_arn
    NotifyChat             = var.notify_chat
    Report                 = var.report
    AtlasBaseUrl           = var.atlas_base_url
    SweepMinutes           = var.sweep_minutes
    NotifyChanges          = var.notify_changes
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
