"""The way of a notice to people: SNS and HTTPS, within limits, and the table of sent notices."""
