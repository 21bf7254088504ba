# SPDX-License-Identifier: MIT OR Apache-2.0
"""A client of HTTP/2 for tests, on python3-h2: one connection, streams that are read one by one."""
import socket

import lib

try:
    import h2.config
    import h2.connection
    import h2.events
    import h2.settings
except ImportError:
    h2 = None


class Stream:
    def __init__(self):
        self.head = None     # fields of the final head
        self.data = bytearray()
        self.trailers = None
        self.ended = False
        self.reset = None    # the error code

    def field(self, name):
        return dict(self.head).get(name)

    @property
    def status(self):
        return None if self.head is None else int(self.field(":status"))


class Client:
    def __init__(self, port, context=None, name="localhost"):
        """In clear text, or with a context of ssl."""
        if h2 is None:
            raise lib.Skip("python3-h2 is not installed")
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10 * lib.SLOW)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8", validate_outbound_headers=False))
        self.connection.initiate_connection()
        self.streams = {}
        self.settings = {}
        self.buffer = b""
        self.going_away = False
        self.flush()

    def flush(self):
        data = self.connection.data_to_send()
        if data:
            self.socket.sendall(data)

    def request(self, fields, end=True):
        stream = self.connection.get_next_available_stream_id()
        self.streams[stream] = Stream()
        self.connection.send_headers(stream, fields, end_stream=end)
        self.flush()
        return stream

    def send(self, stream, data, end=False):
        while True:
            n = min(len(data), self.connection.local_flow_control_window(stream), self.connection.max_outbound_frame_size)
            if data and n == 0:
                self.step()
                continue
            self.connection.send_data(stream, data[:n], end_stream=end and n == len(data))
            self.flush()
            data = data[n:]
            if not data:
                return

    def cancel(self, stream, code=8):
        self.connection.reset_stream(stream, code)
        self.flush()

    def frames(self, data):
        """Whole frames but GOAWAY, after which python3-h2 would take no more of the streams that are under way."""
        self.buffer += data
        whole = b""
        while len(self.buffer) >= 9:
            n = 9 + int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < n:
                break
            if self.buffer[3] == 7:
                self.going_away = True
            else:
                whole += self.buffer[:n]
            self.buffer = self.buffer[n:]
        return whole

    def step(self):
        """Takes what comes next from the socket."""
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        for e in self.connection.receive_data(self.frames(data)):
            s = self.streams.get(getattr(e, "stream_id", None))
            if isinstance(e, h2.events.RemoteSettingsChanged):
                self.settings.update({int(k): v.new_value for k, v in e.changed_settings.items()})
            elif s is None:
                continue
            elif isinstance(e, h2.events.ResponseReceived):
                s.head = e.headers
            elif isinstance(e, h2.events.DataReceived):
                s.data += e.data
                self.connection.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
            elif isinstance(e, h2.events.TrailersReceived):
                s.trailers = e.headers
            elif isinstance(e, h2.events.StreamEnded):
                s.ended = True
            elif isinstance(e, h2.events.StreamReset):
                s.reset = e.error_code
        self.flush()

    def until(self, stream, condition):
        s = self.streams[stream]
        while not condition(s) and s.reset is None:
            self.step()
        return s

    def response(self, stream):
        """The stream, once it has ended."""
        return self.until(stream, lambda s: s.ended)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def serve_tunnels(c, seen, status="200", connect=True, feed=lambda data: data):
    """For lib.Backend: answers extended CONNECT (RFC 8441) with `status` and sends back what `feed` makes of the bytes. `seen` gets the heads."""
    if h2 is None:
        raise lib.Skip("python3-h2 is not installed")
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.local_settings = h2.settings.Settings(
        client=False, initial_values={h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1 if connect else 0})
    connection.initiate_connection()
    c.send(connection.data_to_send())
    while True:
        data = c.s.recv(65536)
        if not data:
            return
        for e in connection.receive_data(data):
            if isinstance(e, h2.events.RequestReceived):
                seen.append(dict(e.headers))
                connection.send_headers(e.stream_id, [(":status", status)], end_stream=status != "200")
            elif isinstance(e, h2.events.DataReceived):
                connection.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
                connection.send_data(e.stream_id, feed(e.data))
            elif isinstance(e, h2.events.StreamEnded) and status == "200":
                connection.end_stream(e.stream_id)
        c.send(connection.data_to_send())
