/**
 * A balancer, with the rules of deploy/compose/nginx.conf: each request goes to the next API process, so that the requests of one upload meet all of
 * them. A process that takes no connection is passed over, for as long as a balancer waits for one that is ready. GET and HEAD are sent to the next
 * process too if there is no answer. Any other request that was sent fails with its process: the client repeats it.
 */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Some seconds, as `lb_try_duration` of Caddy or the retries of an ingress. */
const tryMs = 5_000;
const pauseMs = 100;

export async function startBalancer(urls) {
  const targets = urls.map((url) => new URL(url));
  const counts = { passedOn: 0, unanswered: 0 };
  let turn = 0;

  async function answer(incoming, outgoing) {
    const isRepeatable = incoming.method === 'GET' || incoming.method === 'HEAD';
    for (const giveUpAt = performance.now() + tryMs; performance.now() < giveUpAt; counts.passedOn += 1) {
      const target = targets[(turn += 1) % targets.length];
      try {
        const response = await send(target, incoming);
        outgoing.writeHead(response.statusCode, response.rawHeaders);
        response.once('error', () => outgoing.destroy());
        return void response.pipe(outgoing);
      } catch (error) {
        if (!isRepeatable && error.wasSent) return void outgoing.destroy();
        await sleep(pauseMs);
      }
    }
    counts.unanswered += 1;
    outgoing.writeHead(503).end();
  }

  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${server.address().port}`;
  return {
    host,
    url: `http://${host}`,
    counts,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The head of the answer. Nothing of the body is sent before the process has taken the connection. */
function send(target, incoming) {
  const { method, url: path, headers } = incoming;
  return new Promise((resolve, reject) => {
    let wasSent = false;
    const { hostname: host, port } = target;
    const forwarded = request({ host, port, method, path, headers, agent: false }, resolve);
    forwarded.once('error', (error) => reject(Object.assign(error, { wasSent })));
    forwarded.once('socket', (socket) =>
      socket.once('connect', () => {
        wasSent = true;
        incoming.pipe(forwarded);
      }),
    );
  });
}
