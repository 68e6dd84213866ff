"""Somebody on the bus who says what he likes: a bare DEALER, through libzmq itself."""

import ctypes

_DEALER, _LINGER, _SNDTIMEO = 5, 17, 28
_DONTWAIT = 1

_zmq = ctypes.CDLL("libzmq.so.5", use_errno=True)
_zmq.zmq_ctx_new.restype = _zmq.zmq_socket.restype = ctypes.c_void_p
_zmq.zmq_socket.argtypes = [ctypes.c_void_p, ctypes.c_int]
_zmq.zmq_connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_zmq.zmq_setsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
_zmq.zmq_send.argtypes = _zmq.zmq_recv.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_zmq.zmq_close.argtypes = _zmq.zmq_ctx_term.argtypes = [ctypes.c_void_p]


class BusPeer:
    def __init__(self, stack, gateway=0):
        self._context = _zmq.zmq_ctx_new()
        self._socket = _zmq.zmq_socket(self._context, _DEALER)
        for option, value in ((_LINGER, 2000), (_SNDTIMEO, 5000)):
            number = ctypes.c_int(value)
            assert _zmq.zmq_setsockopt(self._socket, option, ctypes.byref(number), ctypes.sizeof(number)) == 0
        address = stack[f"gateway-{gateway}"].environment["NEXUS_BUS_BIND"]
        assert _zmq.zmq_connect(self._socket, address.encode()) == 0

    def say(self, frame):
        assert _zmq.zmq_send(self._socket, frame, len(frame), 0) == len(frame), ctypes.get_errno()

    def hear(self):
        """The next frame, or None when there is none yet."""
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
    """msgpack, as much of it as frames are made of."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if value < 128 else b"\xcf" + value.to_bytes(8, "big")
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + len(text).to_bytes(4, "big") + text
    return b"\xdd" + len(value).to_bytes(4, "big") + b"".join(pack(element) for element in value)
