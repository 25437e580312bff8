import { buildDemoContent } from '../../../src/demo/demo-content.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';

/** Built before the tests begin: 20 MB are generated and hashed, on the thread that they run on. */
const built = buildDemoContent();

/** What `buildDemoContent` gives, for a test to change as it likes. */
export function demoContent(): SampleRepository {
  const { blobs, manifests, tags, diffIds } = built;
  return {
    blobs: new Map(blobs),
    manifests: new Map(manifests),
    tags: new Map(tags),
    diffIds: new Map(diffIds),
  };
}
