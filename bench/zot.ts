/** zot, which copies an image from its upstream when a client first asks for it. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, requirePeer } from '../test/interop/peers.ts';
import type { RealRegistry } from '../test/interop/peers.ts';

/** Empty, as a pull-through cache of the registry at a URL. */
export async function startZotCache(upstream: string): Promise<RealRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-zot-'));
  const file = join(folder, 'config.json');
  const config = {
    storage: { rootDirectory: join(folder, 'storage') },
    http: { address: '127.0.0.1', port: '0' },
    log: { level: 'info' },
    extensions: {
      sync: {
        enable: true,
        registries: [{ urls: [upstream], onDemand: true, tlsVerify: false, content: [{ prefix: '**' }] }],
      },
    },
  };
  await writeFile(file, JSON.stringify(config));
  return launch(folder, {
    command: requirePeer('zot'),
    args: ['serve', file],
    ready: /listening on kernel chosen port","port":(\d+)/,
  });
}
