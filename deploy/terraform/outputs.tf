# Written by `python -m deploy.terraform_files` from template.yaml.

output "function_name" {
  description = "The function, to invoke it by hand"
  value       = aws_cloudformation_stack.restore_watch.outputs["FunctionName"]
}

output "function_arn" {
  description = "The function, for a Step Functions task"
  value       = aws_cloudformation_stack.restore_watch.outputs["FunctionArn"]
}

output "await_restore_state_machine_arn" {
  description = "The workflow that waits for a restore, for startExecution.sync:2 in a workflow of yours"
  value       = aws_cloudformation_stack.restore_watch.outputs["AwaitRestoreStateMachineArn"]
}

output "table_name" {
  description = "The table of restore jobs; kept when the stack is deleted"
  value       = aws_cloudformation_stack.restore_watch.outputs["TableName"]
}

output "topic_arn" {
  description = "The topic to subscribe to"
  value       = aws_cloudformation_stack.restore_watch.outputs["TopicArn"]
}

output "request_queue_url" {
  description = "The queue for requests to check a restore job"
  value       = aws_cloudformation_stack.restore_watch.outputs["RequestQueueUrl"]
}

output "request_queue_arn" {
  description = "The same queue, for a sender's policy and as the destination of a move from the dead-letter queue"
  value       = aws_cloudformation_stack.restore_watch.outputs["RequestQueueArn"]
}

output "request_dead_letter_queue_url" {
  description = "Requests that were not delivered or failed too often"
  value       = aws_cloudformation_stack.restore_watch.outputs["RequestDeadLetterQueueUrl"]
}

output "request_dead_letter_queue_arn" {
  description = "The same queue, as the source of a move: aws sqs start-message-move-task --source-arn <this> --destination-arn <RequestQueueArn>"
  value       = aws_cloudformation_stack.restore_watch.outputs["RequestDeadLetterQueueArn"]
}

output "on_failure_queue_url" {
  description = "Asynchronous invocations that failed for good"
  value       = aws_cloudformation_stack.restore_watch.outputs["OnFailureQueueUrl"]
}

output "on_failure_queue_arn" {
  description = "The same queue, for an alarm or a reader's policy. It is not the source of a move: SQS moves messages only from the dead-letter queue of another queue"
  value       = aws_cloudformation_stack.restore_watch.outputs["OnFailureQueueArn"]
}

output "report_function_name" {
  description = "The function that writes the report, to invoke it by hand"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["ReportFunctionName"], null)
}

output "report_bucket_name" {
  description = "The bucket of the reports; kept when the stack is deleted"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["ReportBucketName"], null)
}

output "measure_function_name" {
  description = "The function that measures restores, to invoke it by hand"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["MeasureFunctionName"], null)
}

output "measure_queue_arn" {
  description = "The queue of restores to measure, as the destination of a move from its dead-letter queue"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["MeasureQueueArn"], null)
}

output "measure_dead_letter_queue_arn" {
  description = "Restores whose measurement could not be recorded, as the source of a move: aws sqs start-message-move-task --source-arn <this> --destination-arn <MeasureQueueArn>"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["MeasureDeadLetterQueueArn"], null)
}

output "measure_log_group_name" {
  description = "The log lines of the function that measures restores"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["MeasureLogGroupName"], null)
}

output "log_group_name" {
  description = "The function's log lines"
  value       = aws_cloudformation_stack.restore_watch.outputs["LogGroupName"]
}

output "email_topic_arn" {
  description = "The topic of the e-mails, to subscribe further addresses to"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["EmailTopicArn"], null)
}

output "chat_topic_arn" {
  description = "The topic for the channel's configuration in Amazon Q Developer in chat applications"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["ChatTopicArn"], null)
}

output "alarm_email_topic_arn" {
  description = "The topic of the alarms by e-mail, to subscribe further addresses to"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["AlarmEmailTopicArn"], null)
}

output "notice_queue_arn" {
  description = "The queue of messages for people, as the destination of a move from its dead-letter queue"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["NoticeQueueArn"], null)
}

output "notice_dead_letter_queue_arn" {
  description = "Messages that could not be sent to every channel, as the source of a move: aws sqs start-message-move-task --source-arn <this> --destination-arn <NoticeQueueArn>"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["NoticeDeadLetterQueueArn"], null)
}

output "notify_people_function_name" {
  description = "The function that notifies people, for the doctor"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["NotifyPeopleFunctionName"], null)
}

output "notify_people_log_group_name" {
  description = "The log lines of the function that notifies people"
  value       = try(aws_cloudformation_stack.restore_watch.outputs["NotifyPeopleLogGroupName"], null)
}
