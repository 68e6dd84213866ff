# From demo.json to what `nexusctl apply` reads: the demo tenant, whose customer gateway is the simulator.
{
    tenants: [{
        ccid: .ccid,
        name: "demo",
        keys: [
            {name: "consumer", key: .apiKey, permissions: ["nexus:consumer:chat"]},
            {name: "agent", key: .agentToken, permissions: ["nexus:agent:chat"], capacity: 0}
        ],
        channels: [
            {
                address: "+\(.channelId)", kind: "sms", name: "sms", provider: "Async", endpoint: "sales",
                webhook: {url: "\(.simulatorUrl)/gateway/\(.channelId)", secret: .asyncWebhookSecret},
                api: {secret: .asyncApiSecret}
            },
            {
                address: .emailDomain, kind: "email", name: "email", provider: "Async", endpoint: "sales",
                webhook: {url: "\(.simulatorUrl)/gateway/\(.emailDomain)", secret: .asyncWebhookSecret},
                api: {secret: .asyncApiSecret}
            }
        ]
    }],
    clusterKeys: [{name: "demo aggregator", key: .clusterKey, permissions: ["nexus:cluster:*"], capacity: 0}]
}
