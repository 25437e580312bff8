/**
 * `npm run bench:signatures -- [--images 200] [--rounds 5]`: syncs so many images unsigned, signed by cosign's tags and signed by referrers,
 * each from a registry with the referrers API, in turns; prints the medians of the first sync and of one that finds nothing new. Exits 1
 * where signed images took more than 1.5 times the time of unsigned ones.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { addArtifact, addImage, addLayer, createSampleRepository } from '../dist/demo/sample-image.js';
import { startSampleUpstream } from '../dist/demo/sample-upstream.js';
import { startStack } from '../scripts/stack.mjs';

const { values } = parseArgs({
  options: { images: { type: 'string', default: '200' }, rounds: { type: 'string', default: '5' } },
});
const images = Number(values.images);
const limit = 1.5;

const signings = {
  unsigned: () => undefined,
  tags: (repository, image) =>
    sign(repository, image, { tag: `${image.digest.replace(':', '-')}.sig`, configMediaType: ociConfig }),
  referrers: (repository, { mediaType, digest, size }) =>
    sign(repository, { digest }, { artifactType: bundle, subject: { mediaType, digest, size }, annotations }),
};
const ociConfig = 'application/vnd.oci.image.config.v1+json';
const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const annotations = {
  'dev.sigstore.bundle.content': 'dsse-envelope',
  'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
};

const stack = await startStack();
const repositories = new Map();
const upstream = await startSampleUpstream({ repositories });
const times = new Map();
for (let round = 0; round < Number(values.rounds); round += 1)
  for (const kind of Object.keys(signings)) {
    const name = `${kind}/${round}`;
    // content of its own each time: what is stored is not fetched again
    repositories.set(name, buildRepository(name, signings[kind]));
    const { repositoryId, taskId } = await stack.startSync(name, { url: upstream.url, upstreamName: name });
    note(`${kind} first`, await secondsOf(taskId));
    note(`${kind} again`, await secondsOf(await syncAgain(repositoryId)));
    repositories.delete(name);
  }
await upstream.close();
await stack.stop();

const medians = new Map([...times].map(([what, seconds]) => [what, median(seconds)]));
for (const [what, seconds] of medians) console.log(`${what}: ${seconds.toFixed(2)} s`);
const ratios = ['tags', 'referrers'].map((kind) => ({
  kind,
  ratio: medians.get(`${kind} first`) / medians.get('unsigned first'),
}));
for (const { kind, ratio } of ratios)
  console.log(
    `${images} images signed by ${kind}: ${ratio.toFixed(2)} times the unsigned ones (at most ${limit})`,
  );
process.exit(ratios.some(({ ratio }) => ratio > limit) ? 1 : 0);

function buildRepository(name, signing) {
  const repository = createSampleRepository();
  const base = addLayer(repository, `${name}-base`, 1_000_000);
  for (let number = 0; number < images; number += 1) {
    const image = addImage(repository, {
      seed: `${name}-${number}`,
      layers: [base, 200_000, 50_000],
      tag: `v${number}`,
    });
    signing(repository, image);
  }
  return repository;
}

function sign(repository, { digest }, artifact) {
  const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
  return addArtifact(repository, { seed: digest, layers: [{ mediaType, sizeBytes: 250 }], ...artifact });
}

async function syncAgain(repositoryId) {
  const { repositorySync } = await stack.query(
    'mutation ($id: ID!) { repositorySync(input: { repositoryId: $id }) { task { id } } }',
    { id: repositoryId },
  );
  return repositorySync.task.id;
}

async function secondsOf(id) {
  for (;;) {
    const { task } = await stack.query(
      'query ($id: ID!) { task(id: $id) { state createdAt finishedAt error { message } } }',
      { id },
    );
    if (task.error) throw new Error(task.error.message);
    if (task.state === 'COMPLETED') return (Date.parse(task.finishedAt) - Date.parse(task.createdAt)) / 1000;
    await sleep(50);
  }
}

function note(what, seconds) {
  times.set(what, [...(times.get(what) ?? []), seconds]);
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
