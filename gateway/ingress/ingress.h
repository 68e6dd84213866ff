// ingress: the way of a request through the gateway, from http_server to the bus and back.
#pragma once

struct http_request;

// http_server's handle; context is the struct gateway.
void ingress_begin(void *context, struct http_request *request);
