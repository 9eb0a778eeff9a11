"""
A release in an app of the AWS CDK: its own template, and nothing beside it.

    python app.py <folder of the release>

The CDK gives the app to `cdk synth` and `cdk deploy`, which take the parameters.
"""

import sys
from pathlib import Path

from aws_cdk import App, LegacyStackSynthesizer, Stack
from aws_cdk.cloudformation_include import CfnInclude

# The CDK reads no template of SAM in which two resources name each other.
TEMPLATE = "template-transformed.yaml"

app = App()
stack = Stack(
    app,
    "AtlasRestoreWatch",
    stack_name="atlas-restore-watch",
    # The zips lie in a bucket of your own. The others add a parameter and a rule to the template.
    synthesizer=LegacyStackSynthesizer(),
)
CfnInclude(stack, "Release", template_file=str(Path(sys.argv[1]) / TEMPLATE))
app.synth()
