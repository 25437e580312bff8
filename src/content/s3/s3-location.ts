import { trimTrailingSlashes } from '../../oci/trim-ends.ts';

/** The parsed `TIDEMARK_BLOBS`: `s3://bucket/prefix?endpoint=…&region=…&redirect=true`. */
export interface S3Location {
  readonly bucket: string;
  /** Without slashes at its ends; empty for the bucket's root. */
  readonly prefix: string;
  /** Undefined: Amazon's endpoint of the region. With an endpoint, buckets are addressed by path. */
  readonly endpoint: string | undefined;
  /** Undefined: from AWS's own settings. */
  readonly region: string | undefined;
  /** Whether pulls are redirected to the bucket with signed URLs. */
  readonly redirect: boolean;
}

const parameters = ['endpoint', 'region', 'redirect'];

/** A mistake is the rest of a sentence, without credentials. */
export function parseS3Location(text: string): S3Location | { readonly mistake: string } {
  const expected = 'expected s3://bucket/prefix?endpoint=https://…&region=…';
  const url = URL.parse(text);
  if (url === null || url.protocol !== 's3:') return { mistake: `is not an address of S3; ${expected}` };
  if (url.username !== '' || url.password !== '')
    return { mistake: `holds credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead` };
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname) || url.port !== '')
    return { mistake: `names no bucket (3 to 63 of a-z, 0-9, "." and "-"); ${expected}` };
  const prefix = trimTrailingSlashes(url.pathname.replace(/^\/+/, ''));
  if (!/^[\w.-]*(\/[\w.-]+)*$/.test(prefix) || prefix.split('/').some((part) => /^\.{1,2}$/.test(part)))
    return {
      mistake: 'has a prefix of other characters than letters, digits, "_", ".", "-" and "/" between them',
    };
  const unknown = [...url.searchParams.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined)
    return { mistake: `has the parameter ${JSON.stringify(unknown)}; there are ${parameters.join(', ')}` };
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !isEndpoint(endpoint))
    return { mistake: 'has an endpoint that is no http or https URL without credentials and path' };
  const redirect = url.searchParams.get('redirect') ?? 'false';
  if (redirect !== 'true' && redirect !== 'false')
    return { mistake: `has redirect=${JSON.stringify(redirect)}; expected true or false` };
  const region = url.searchParams.get('region') || undefined;
  return { bucket: url.hostname, prefix, endpoint, region, redirect: redirect === 'true' };
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.username + url.password + url.search + url.hash === '' &&
    url.pathname === '/'
  );
}
