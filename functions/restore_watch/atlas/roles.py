"""The roles in Atlas that the watch needs, in words for an operator and as Atlas names them."""

READ_ONLY = "the role Project Read Only in this project"
RECOVERY_OPERATOR_FIRST = (
    "the role Project Backup Recovery Operator in this project, or, if that is refused too, "
    "Project Backup Manager"
)
"""
What reads restore jobs of dedicated clusters, if Project Read Only does not.

MongoDB's pages name three roles: the specification Project Backup Manager, the page about restores
Project Backup Recovery Operator, and an older page Project Read Only. The first of them may delete
snapshots, so it comes last.
"""

ROLES_FOR_DEDICATED = {
    "GROUP_BACKUP_RECOVERY_OPERATOR": "Project Backup Recovery Operator",
    "GROUP_BACKUP_MANAGER": "Project Backup Manager",
}
"""
The roles that may be needed for dedicated clusters, by Atlas's names, and what people call them.

The first may do less.
"""

ROLES_NEEDED = {"ORG_MEMBER", "ORG_READ_ONLY", "GROUP_READ_ONLY", *ROLES_FOR_DEDICATED}
"""The roles that the watch may need. Any other may do more."""
