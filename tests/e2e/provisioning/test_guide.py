"""The commands of the administrator's guide, run in order with a shell and curl, return the responses that the guide prints."""

import secrets
import uuid

from harness.api.guide import Terminal, a_time, an_id, an_object

GWS_TOKEN = {"access_token": an_id, "token_type": "bearer", "refresh_token": an_id, "expires_in": 43199, "scope": "*"}
DONE = {"status": {"code": 0}, "data": an_object, "operationId": an_id}


def key(tenant, name, permission, created_by):
    return {"id": an_id, "tenant": tenant, "name": name, "permissions": [permission], "enabled": True, "created": a_time,
            "revoked": False, "expires": False, "createdby": created_by, "capacity": 120, "frequency": 60}


class Administrator:
    """Runs the commands of the pages. Values that a page says to note become variables of the terminal."""

    def __init__(self, stack, ccid):
        self.stack = stack
        self.ccid = ccid
        self.at = Terminal(
            gwsURL=stack.simulator_url, authURL=stack.simulator_url, nexusURL=stack.url(), gwsAdminName="ops",
            gwsAdminPass="ops", tenantUser="nexus", tenantUserPassword="nexus_password", tenantName="premise_tenant",
            ucsURL="https://ucs.mydomain.com")
        self.notes_a_secret(clientSecret=secrets.token_hex(16))

    def notes_a_secret(self, **variables):
        self.at.set(**variables)
        self.stack.private |= set(variables.values())

    # --- Enable a tenant

    def finds_the_contact_center(self):
        found = self.at.expect('curl --user "$gwsAdminName:$gwsAdminPass" --request GET "$authURL/environment/v3/contact-centers"',
                               {"data": {"contactCenters": [{"id": self.ccid, "environmentId": an_id, "domains": [],
                                                             "auth": "configServer"}]}})
        self.at.set(ccId=found["data"]["contactCenters"][0]["id"], ccid=found["data"]["contactCenters"][0]["id"])

    def makes_the_client(self):
        status, body = self.at.run("""
            curl --user "$gwsAdminName:$gwsAdminPass" --request POST "$authURL/auth/v3/ops/clients" \
                --header 'Content-Type: application/json' \
                --data '{"data": {"internalClient": true, "name": "nexus_client", "clientType": "CONFIDENTIAL",
                    "client_id": "nexus_client", "client_secret": "'"$clientSecret"'", "authorities": ["ROLE_INTERNAL_CLIENT"],
                    "scope": ["*"], "authorizedGrantTypes": ["client_credentials", "authorization_code", "refresh_token",
                    "implicit", "password"], "redirectURIs": ["'"$nexusURL"'"], "accessTokenExpirationTimeout": 43200,
                    "refreshTokenExpirationTimeout": 2592000}}'""")
        assert status == 200, body
        self.at.expect("""
            curl --user "nexus_client:$clientSecret" --request POST \
                "$authURL/auth/v3/oauth/token?grant_type=client_credentials&scope=&client_id=nexus_client&client_secret=$clientSecret"
            """, {name: value for name, value in GWS_TOKEN.items() if name != "refresh_token"})

    def tells_nexus_of_gws(self):
        url, secret = self.at.variables["gwsURL"], self.at.variables["clientSecret"]
        self.stack.query("INSERT INTO nex_gapis (url, clientid, apikey, clientsecret, created, region, authinturl, authexturl)"
                         " VALUES (%s, 'nexus_client', 'NA', %s, now(), NULL, %s, %s)", url, secret, url, url)

    def tells_gws_of_nexus(self):
        status, body = self.at.run("""
            curl --user "$gwsAdminName:$gwsAdminPass" --request POST "$authURL/environment/v3/contact-centers/$ccId/settings" \
                --header 'Content-Type: application/json' \
                --data '{"data": {"name": "chatservice-uri", "location": "/", "value": "'"$nexusURL"'", "shared": false}}'""")
        assert status == 200, body

    def logs_in(self, variable="outGWSAccessToken", username=r"$ccId\\$tenantUser", password="$tenantUserPassword"):
        """The shell reads two backslashes as one, and four as two."""
        token = self.at.expect(f"""
            curl --user "nexus_client:$clientSecret" --request POST "$authURL/auth/v3/oauth/token" \
                --header 'Content-Type: application/x-www-form-urlencoded' \
                --data-urlencode "username={username}" --data-urlencode 'client_id=nexus_client' \
                --data-urlencode 'grant_type=password' --data-urlencode "password={password}" """, GWS_TOKEN)
        self.notes_a_secret(**{variable: token["access_token"]})

    def provisions_the_tenant(self, api_key=an_id):
        made = self.at.expect("""
            curl --request POST "$nexusURL/nexus/v3/provisioning/tenants" \
                --header "Authorization: Bearer $outGWSAccessToken" --header 'Content-Type: application/json' \
                --data '{"id": "'"$ccId"'", "name": "'"$tenantName"'", "type": "PureEngage", "backendurl": "'"$gwsURL"'",
                    "username": "'"$tenantUser"'", "token": "'"$tenantUserPassword"'", "genesystemenantid": 1}'""",
                              {"status": {"code": 0}, "data": {"xapikey": api_key}, "operationId": an_id})
        self.notes_a_secret(nexusApiKey=made["data"]["xapikey"])

    # --- Provision API keys

    def makes_a_key(self, variable, token, tenant, name, permission, created_by):
        made = self.at.expect(f"""
            curl --request POST "$nexusURL/nexus/v3/apikeys" --header "Authorization: ${token}" \
                --header 'Content-Type: application/json' \
                --data '{{"enabled": true, "tenant": "{tenant}", "name": "{name}", "permissions": ["{permission}"]}}'""",
                              key(tenant, name, permission, created_by))
        self.notes_a_secret(**{variable: made["id"]})

    def provisions_keys(self):
        self.logs_in(username=r"$ccId\\\\$tenantUser")
        self.makes_a_key("apikey", "outGWSAccessToken", self.ccid, "API key for premise_tenant", "nexus:consumer:chat", "nexus")
        self.logs_in("outClusterGWSAccessToken", "$gwsAdminName", "$gwsAdminPass")
        self.makes_a_key("clusterApikey", "outClusterGWSAccessToken", "*", "Cluster API key", "nexus:cluster:*", "ops")
        self.makes_a_key("designerApikey", "outGWSAccessToken", self.ccid, "Designer API key", "nexus:designer:chat", "nexus")
        self.makes_a_key("GMAKey", "outClusterGWSAccessToken", "*", "Portico Cluster API Key", "nexus:cluster:*", "ops")

    # --- Provision services

    def provisions_the_service(self, name, body):
        self.at.set(apiKey=self.at.variables["clusterApikey"])
        self.at.expect(f"""
            curl -X POST $nexusURL/nexus/v3/provisioning/services/$ccid/{name} -H 'Content-Type: application/json' \
                -H "x-api-key: $apiKey" -H "x-ccid: $ccid" -d "$(cat <<JSON
{body}
JSON
)" """, DONE)

    def sets_up_genesys_cloud(self):
        self.at.set(gcLoginURL="https://login.mypurecloud.com", gcAPIURL="https://api.mypurecloud.com",
                    clientId=str(uuid.uuid4()))  # its secret is $clientSecret, a name that the guide uses for both
        self.provisions_the_service("PurecloudIDP", """{"url": "$gcLoginURL",
            "secret": {"clientId": "$clientId", "clientSecret": "$clientSecret"}, "data": {}}""")
        self.provisions_the_service("SMS", '{"url": "N/A", "secret": {}, "data": {"tokenProvider": "Purecloud"}}')
        self.provisions_the_service("PorticoSMS", '{"url": "$gcAPIURL", "secret": {}, "data": {}}')
        self.provisions_the_service("PorticoEmail", '{"url": "$gcAPIURL", "secret": {}, "data": {}}')

    def sets_up_a_custom_gateway(self, number, webhook_url):
        self.at.set(asyncPhoneNumber=number, asyncEmailDomain="company.com", asyncWebhookURL=webhook_url)
        self.notes_a_secret(asyncAPISignatureKey=secrets.token_hex(12), asyncWebhookSignatureKey=secrets.token_hex(12))
        self.provisions_the_service("Async", """{
            "data": {"channels": [
                {"channelId": "$asyncPhoneNumber", "webhook": {"url": "$asyncWebhookURL"}},
                {"channelId": "$asyncEmailDomain", "webhook": {"url": "$asyncWebhookURL"}}]},
            "secret": {"channels": [
                {"channelId": "$asyncPhoneNumber", "webhook": {"secret": "$asyncWebhookSignatureKey"},
                 "api": {"secret": "$asyncAPISignatureKey"}},
                {"channelId": "$asyncEmailDomain", "webhook": {"secret": "$asyncWebhookSignatureKey"},
                 "api": {"secret": "$asyncAPISignatureKey"}}]}}""")
        self.provisions_the_service("SMS", '{"url": "N/A", "data": {"provider": "Async"}, "secret": {}}')
        self.provisions_the_service("Email", '{"url": "N/A", "data": {"provider": "Async"}, "secret": {}}')

    def provisions_the_number(self):
        """Sets options that the guide says to enter in the pages of another product."""
        self.sets_options("chat.SMS_Main_Corporate", """{"channelId": "$asyncPhoneNumber", "channelType": "sms",
            "endpoint": "chat.support", "interactionSubtype": "SMS", "interactionType": "Inbound", "media": "chat",
            "cxcOnly": "false", "provider": "Async"}""")
        self.sets_options("Async", '{"header:custom-header-for-async-1": "12345"}')
        self.sets_options("cxc.Corporate_Promotions", """{"channelId": "$asyncEmailDomain", "channelType": "email",
            "provider": "Async"}""")

    def sets_options(self, section, body):
        self.at.expect(f"""
            curl --request PUT $nexusURL/nexus/v3/provisioning/transactions/$ccid/NexusServices/{section} \
                --header "Authorization: Bearer $outGWSAccessToken" --header 'Content-Type: application/json' --data "$(cat <<JSON
{body}
JSON
)" """, DONE)


def enable_gws(administrator):
    administrator.finds_the_contact_center()
    administrator.makes_the_client()
    administrator.tells_nexus_of_gws()
    administrator.tells_gws_of_nexus()
    administrator.logs_in()


def settings(ccid):
    """The guide's commands are not repeated, so a slow machine gets time for each."""
    return {"simulator": {"NEXUS_SIM_CCID": ccid}, "gateway": {"NEXUS_DEADLINE_FACTOR": 12}}


def test_the_guide_works_as_printed_up_to_the_first_message(make_stack, receiver):
    ccid = str(uuid.uuid4())
    stack = make_stack(knows_gws=False, settings=settings(ccid))
    administrator = Administrator(stack, ccid)

    enable_gws(administrator)
    administrator.provisions_keys()
    administrator.provisions_the_service("PlatformUCS", '{"url": "$ucsURL", "secret": {}, "data": {}}')
    administrator.sets_up_genesys_cloud()
    administrator.sets_up_a_custom_gateway("16504661149", receiver.url)
    administrator.provisions_the_number()
    administrator.provisions_the_tenant()

    exchange_messages(administrator, receiver)


def exchange_messages(administrator, receiver):
    """Posts a text with the cluster key and an outbound message with the designer's key, which the receiver gets."""
    at = administrator.at
    status, body = at.run("""curl --user "$ccid:$GMAKey" "$nexusURL/nexus/v3/sms/message" -d type=MO -d message_id=1 \
        -d phone_number=15551230001 -d shortcode=$asyncPhoneNumber -d message=Hello""")
    assert status == 200, body
    conversations = at.expect('curl --header "x-api-key: $designerApikey" "$nexusURL/chat/v3/conversations"', DONE)
    at.set(conversation=conversations["data"]["conversations"][0]["id"])
    status, body = at.run("""curl --header "x-api-key: $designerApikey" "$nexusURL/chat/v3/conversations/$conversation/messages" \
        --json '{"text": "How can we help?"}'""")
    assert status == 200, body

    webhook = receiver.wait_for("How can we help?")[0]

    assert "X-Hub-Signature" in webhook.signed_with(at.variables["asyncWebhookSignatureKey"])
    assert webhook.headers["custom-header-for-async-1"] == "12345"
    assert webhook.headers["X-B3-TraceId"] and webhook.headers["Content-Type"] == "application/json"


def test_the_tenant_may_be_provisioned_first_and_once_more(make_stack):
    ccid = str(uuid.uuid4())
    stack = make_stack(knows_gws=False, settings=settings(ccid))
    administrator = Administrator(stack, ccid)

    enable_gws(administrator)
    administrator.provisions_the_tenant()
    key_of_tenant = administrator.at.variables["nexusApiKey"]
    administrator.provisions_keys()
    administrator.sets_up_genesys_cloud()
    keys = stack.nexusctl_json("keys", "list")
    administrator.provisions_the_tenant(api_key=key_of_tenant[:13])  # a key is shown in full only once

    assert keys["keys"] and stack.nexusctl_json("keys", "list") == keys
