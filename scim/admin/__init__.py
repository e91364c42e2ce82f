"""Pages of the administration about SCIM and OAuth."""

from scim.admin.provisioning_log import ProvisioningRecordAdmin

__all__ = ["ProvisioningRecordAdmin"]
