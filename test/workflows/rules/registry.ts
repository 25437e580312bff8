import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { json, openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';

/** A registry with a catalog in pages, whose repositories a test changes. */
export interface CatalogUpstream {
  readonly upstream: FakeUpstream;
  /** What the catalog lists, in this order. */
  readonly listed: string[];
  /** What it answers tags and manifests of; anything else is 404. */
  readonly present: Set<string>;
  /** Whose tags are answered 500. */
  readonly broken: Set<string>;
}

/** Every repository has one small image, of its own. */
export async function openCatalog(
  names: readonly string[],
  pageSize = Number.POSITIVE_INFINITY,
): Promise<CatalogUpstream> {
  const listed = [...names];
  const present = new Set(names);
  const broken = new Set<string>();
  const fallback = async (
    ...[request, response]: Parameters<
      Extract<ReturnType<typeof sampleAnswers>, (...given: never[]) => unknown>
    >
  ) => {
    const url = new URL(request.url ?? '', 'http://upstream');
    const send = (value: unknown, status = 200, headers: Record<string, string> = {}): void => {
      const answer = json(value, headers, status);
      response.writeHead(status, answer.headers as Record<string, string>).end(answer.body);
    };
    if (url.pathname === '/v2/_catalog') {
      const size = Math.min(Number(url.searchParams.get('n')), pageSize);
      const from = listed.indexOf(url.searchParams.get('last') ?? '') + 1;
      const repositories = listed.slice(from, from + size);
      const isLast = from + size >= listed.length;
      const next = `</v2/_catalog?n=${size}&last=${encodeURIComponent(repositories.at(-1) ?? '')}>; rel="next"`;
      send({ repositories }, 200, isLast ? {} : { link: next });
      return;
    }
    const [, name = ''] = /^\/v2\/(.+)\/(?:tags|manifests|blobs|referrers)\/[^/]+$/.exec(url.pathname) ?? [];
    if (broken.has(name)) send({ errors: [{ code: 'UNKNOWN' }] }, 400);
    else if (!present.has(name)) send({ errors: [{ code: 'NAME_UNKNOWN' }] }, 404);
    else await answersOf(name)(request, response);
  };
  const upstream = await openFakeUpstream({ fallback });
  return { upstream, listed, present, broken };
}

const answers = new Map<string, Extract<ReturnType<typeof sampleAnswers>, (...given: never[]) => unknown>>();

function answersOf(name: string) {
  const known = answers.get(name);
  if (known !== undefined) return known;
  const repository = createSampleRepository();
  addImage(repository, { seed: name, layers: [100], tag: 'v1' });
  const made = sampleAnswers(repository);
  if (typeof made !== 'function') throw new Error('sampleAnswers is a function');
  answers.set(name, made);
  return made;
}
