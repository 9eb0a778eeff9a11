"""The wires to AWS beside the table: Secrets Manager, SNS and Step Functions."""
