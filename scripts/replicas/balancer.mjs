/** A balancer that sends each request to the next API process, so that the requests of one upload meet all of them. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';

export async function startBalancer(urls) {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const target = new URL(urls[(turn += 1) % urls.length]);
    const { method, url: path, headers } = incoming;
    const forwarded = request(
      { host: target.hostname, port: target.port, method, path, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(outgoing);
      },
    );
    forwarded.on('error', (error) => outgoing.destroy(error));
    incoming.pipe(forwarded);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
