"""How a notice reaches people: SNS and HTTPS, within limits, and what was sent."""
