"""A peer on the bus that sends arbitrary frames, with the key of any program or without one: a socket of libzmq."""

import ctypes

_KINDS = {"dealer": 5, "router": 6, "push": 8}
_ROUTING_ID, _LINGER, _SNDTIMEO, _IMMEDIATE, _CURVE_SERVER, _CURVE_PUBLIC, _CURVE_SECRET, _CURVE_SERVERKEY = 5, 17, 28, 39, 47, 48, 49, 50
_DONTWAIT = 1

_zmq = ctypes.CDLL("libzmq.so.5", use_errno=True)
_zmq.zmq_ctx_new.restype = _zmq.zmq_socket.restype = ctypes.c_void_p
_zmq.zmq_socket.argtypes = [ctypes.c_void_p, ctypes.c_int]
_zmq.zmq_connect.argtypes = _zmq.zmq_bind.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_zmq.zmq_setsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
_zmq.zmq_send.argtypes = _zmq.zmq_recv.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_zmq.zmq_close.argtypes = _zmq.zmq_ctx_term.argtypes = [ctypes.c_void_p]


class BusPeer:
    """key: the program whose keys it uses, a key pair, or None. routing_id: the routing id that it asks for."""

    def __init__(self, stack, gateway=0, key="chat-worker", kind="dealer", address=None, routing_id=None, send_timeout_ms=30000):
        self._context = _zmq.zmq_ctx_new()
        self._socket = _zmq.zmq_socket(self._context, _KINDS[kind])
        for option, value in ((_LINGER, 30000), (_SNDTIMEO, send_timeout_ms)):
            self._set(option, ctypes.c_int(value))
        if routing_id:
            self._set(_ROUTING_ID, ctypes.create_string_buffer(routing_id, len(routing_id)))
        address = address or stack[f"gateway-{gateway}"].environment["NEXUS_BUS_BIND"]
        server = stack.keys["metrics-agent" if kind == "push" else "gateway"][0]
        if key:
            public, secret = stack.keys[key] if isinstance(key, str) else key
            self._set(_CURVE_PUBLIC, ctypes.create_string_buffer(public.encode()))
            self._set(_CURVE_SECRET, ctypes.create_string_buffer(secret.encode()))
        if kind == "router":  # it acts as a gateway
            if key:
                self._set(_CURVE_SERVER, ctypes.c_int(1))
            assert _zmq.zmq_bind(self._socket, address.encode()) == 0
        else:
            # Without this option a frame would be queued although there is no connection.
            self._set(_IMMEDIATE, ctypes.c_int(1))
            if key:
                self._set(_CURVE_SERVERKEY, ctypes.create_string_buffer(server.encode()))
            assert _zmq.zmq_connect(self._socket, address.encode()) == 0

    def _set(self, option, value):
        assert _zmq.zmq_setsockopt(self._socket, option, ctypes.byref(value), ctypes.sizeof(value)) == 0, option

    def send_frame(self, frame):
        assert self.try_send_frame(frame), ctypes.get_errno()

    def try_send_frame(self, frame):
        """False if no peer takes the frame, because the connection was refused."""
        return _zmq.zmq_send(self._socket, frame, len(frame), 0) == len(frame)

    def receive_frame(self):
        """The next frame, or None if there is none yet."""
        buffer = ctypes.create_string_buffer(1 << 20)
        length = _zmq.zmq_recv(self._socket, buffer, len(buffer), _DONTWAIT)
        return buffer.raw[:length] if length >= 0 else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        _zmq.zmq_close(self._socket)
        _zmq.zmq_ctx_term(self._context)


def pack(value):
    """Encodes a value as msgpack, with the types that frames use."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if value < 128 else b"\xcf" + value.to_bytes(8, "big")
    if isinstance(value, bytes):
        return b"\xc6" + len(value).to_bytes(4, "big") + value
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + len(text).to_bytes(4, "big") + text
    return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(pack(element) for element in value)
