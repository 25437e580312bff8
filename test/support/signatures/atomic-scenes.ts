import { upstreamName } from '../sync/stage.ts';
import type { Scene, Stage } from '../sync/stage.ts';
import type { Signer } from './atomic-signature.ts';
import { openFakeUpstream } from '../upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../upstream/fake-upstream.ts';

export const nothing: Answer = { status: 404, body: 'not here' };

export interface StoreScene extends Scene {
  readonly store: FakeUpstream;
  /** Digests of the tags `good` and `multi`, and of the index's children. */
  readonly digests: { readonly good: string; readonly multi: string; readonly children: readonly string[] };
  put(digest: string, number: number, answer: Answer | Buffer): void;
}

export function digestsOf({ repository }: Scene): StoreScene['digests'] {
  const good = repository.tags.get('good') ?? '';
  const multi = repository.tags.get('multi');
  const document = multi && repository.manifests.get(multi);
  const listed = JSON.parse(document?.bytes.toString() ?? '{}') as { manifests: { digest: string }[] };
  return { good, multi: multi ?? '', children: listed.manifests.map(({ digest }) => digest) };
}

export function routeOf(digest: string, number: number): string {
  return `GET /sigs/${upstreamName}@${digest.replace(':', '=')}/signature-${number}`;
}

function put(store: FakeUpstream, digest: string, number: number, answer: Answer | Buffer): void {
  store.on(routeOf(digest, number), Buffer.isBuffer(answer) ? { body: answer } : answer);
}

/** Scenes with a signature store. */
export function atomicScenes(
  given: () => { readonly stage: Stage; readonly signer: Signer; readonly stores: FakeUpstream[] },
) {
  async function openWithStore(remote: object = {}): Promise<StoreScene> {
    const store = await openFakeUpstream({ fallback: nothing });
    given().stores.push(store);
    const scene = await given().stage.open({ remote: { sigstore: `${store.url}/sigs/`, ...remote } });
    return { ...scene, store, digests: digestsOf(scene), put: (...args) => put(store, ...args) };
  }

  return { openWithStore };
}
