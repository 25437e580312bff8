import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type { Fallback } from '../../../db/schema/upstreams.ts';
import type { FallbackFields } from '../../../operations/remotes/fallbacks.ts';
import { toOptionalReference } from '../run-mutation.ts';

/** Descriptions that the upstream and its inputs share. */
const text = {
  url: 'Base URL of the registry API, in the form of the url of a remote.',
  upstreamName: "Name of the repository there; null: the remote's upstreamName.",
  proxyUrl:
    'URL of an HTTP(S) proxy, without credentials: http://host:port; null: none. The proxy of the remote is not used.',
  sslCaCertificate: "Certificate authorities to trust in addition to the system's, in PEM; null: none.",
  sslValidation: "Whether the upstream's certificate is verified.",
} as const;

const option = (description: string) => ({ nullable: true, description }) as const;

export const fallbacksText =
  'Other places of the same content, in order, at most 10. They are asked while the upstream cannot be reached, answers 5xx, or throttles, and ' +
  'never after 401, 403 or 404. They get no login, header, client certificate or proxy of the remote.';

export const fallbacksOption = option(`${fallbacksText} The list replaces the stored one; null: none.`);

@ObjectType('Upstream', { description: 'Another place of the content of a remote.', simpleResolvers: true })
export class UpstreamType {
  row!: Fallback;

  @Field(() => String, { description: text.url })
  url!: string;

  @Field(() => String, option(text.upstreamName))
  upstreamName!: string | null;

  @Field(() => String, option(text.proxyUrl))
  proxyUrl!: string | null;

  @Field(() => String, option(text.sslCaCertificate))
  sslCaCertificate!: string | null;

  @Field(() => Boolean, { description: text.sslValidation })
  sslValidation!: boolean;
}

export function toUpstream(row: Fallback): UpstreamType {
  const { url, upstreamName, proxyUrl, sslCaCertificate, sslValidation } = row;
  return Object.assign(new UpstreamType(), {
    row,
    url,
    upstreamName: upstreamName ?? null,
    proxyUrl: proxyUrl ?? null,
    sslCaCertificate: sslCaCertificate ?? null,
    sslValidation: sslValidation ?? true,
  });
}

@InputType()
export abstract class UpstreamSettings {
  @Field(() => String, { description: text.url })
  url!: string;

  @Field(() => String, option(text.upstreamName))
  upstreamName?: string | null;

  @Field(() => String, option(text.proxyUrl))
  proxyUrl?: string | null;

  @Field(() => String, option(text.sslCaCertificate))
  sslCaCertificate?: string | null;

  @Field(() => Boolean, { nullable: true, defaultValue: true, description: text.sslValidation })
  sslValidation?: boolean | null;
}

@InputType('UpstreamInput', { description: 'Another place of the content of a remote.' })
export class UpstreamInput extends UpstreamSettings {
  @Field(
    () => ID,
    option('The credential to log in with; null: none. The caller needs the role maintainer for it.'),
  )
  credentialId?: string | null;
}

/** For an operation. Undefined keeps the stored ones. */
export function toFallbacks(
  inputs: readonly UpstreamInput[] | null | undefined,
): FallbackFields[] | null | undefined {
  if (inputs === null) return null;
  return inputs?.map(({ credentialId, ...fields }) => ({
    ...fields,
    credential: toOptionalReference('Credential', 'credentialId', credentialId),
  }));
}
