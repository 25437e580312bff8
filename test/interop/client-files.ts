/** Where clients that are not run pull from, by the files for them: test/interop/client-files has the code of these clients. */
import { runPeer } from './peers.ts';

export async function readClientFiles(
  client: 'crio' | 'k3s' | 'openshift',
  ...args: readonly string[]
): Promise<unknown> {
  return JSON.parse(String(await runPeer('client-files', client, ...args)));
}

const source = (reference: string) => ({ reference, insecure: false });

/** The answer for images that are asked for at a server, then at their registry. */
export function sourcesOf(server: string, images: readonly string[], more: object = {}): object {
  return Object.fromEntries(
    images.map((image) => [image, { sources: [source(`${server}/${image}`), source(image)], ...more }]),
  );
}
