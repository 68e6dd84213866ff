"""State that no API shows, read from the tables. For other state tests ask the API (harness/reading/messages.py)."""


def opted_out(tenant, phone):
    """Whether this phone has an opt-out for the tenant."""
    return bool(tenant.stack.query(
        "select 1 from opt_out o join tenant t on t.id = o.tenant_id"
        " where t.ccid = %s and o.address = %s and o.cleared is null", tenant.ccid, phone))


def to_be_sent(tenant, phone=None):
    """The number of the tenant's deliveries, to this phone or to all."""
    return tenant.stack.query(
        "select count(*) from delivery d join tenant t on t.id = d.tenant_id"
        " where t.ccid = %s and (d.address = %s or %s)", tenant.ccid, phone, phone is None)[0][0]


def leased(tenant):
    """The number of the tenant's deliveries that a worker has leased."""
    return tenant.stack.query(
        "select count(lease_until) from delivery d join tenant t on t.id = d.tenant_id where t.ccid = %s", tenant.ccid)[0][0]


def attachments(tenant, message_id):
    """The stored attachments of the message with this external id: (type, bytes)."""
    return [(kind, content and bytes(content)) for kind, content in tenant.stack.query(
        """select a.content_type, a.content from attachment a join message m on m.tenant_id = a.tenant_id and m.id = a.message_id
             join tenant t on t.id = a.tenant_id where t.ccid = %s and m.external_id = %s order by a.ordinal""", tenant.ccid, message_id)]
