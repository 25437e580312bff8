/** The parts of tidemark.yaml that converters write. Fields are those of the API's inputs, with names in place of ids. */

/** Text, or where it is read when the file is applied. */
export type Text = string | { readonly env: string } | { readonly file: string };

/** `CredentialCreateInput`. */
export interface CredentialPart {
  readonly name: string;
  readonly kind: 'STATIC' | 'HELPER';
  readonly username?: Text | undefined;
  readonly password?: Text | undefined;
  /** Of HELPER: the program `docker-credential-<helper>`. */
  readonly helper?: string | undefined;
}

/** `SignaturePolicyCreateInput`. */
export interface SignaturePolicyPart {
  readonly name: string;
  readonly keys?: readonly Text[] | undefined;
  readonly identities?: readonly { readonly issuer: string; readonly subject: string }[] | undefined;
  readonly trustedRoot?: Text | undefined;
}

/** What `RemoteCreateInput` says of a connection. */
export interface ConnectionPart {
  readonly credential?: string | undefined;
  readonly sslValidation?: false | undefined;
  readonly sslCaCertificate?: Text | undefined;
  readonly sslClientCertificate?: Text | undefined;
  readonly sslClientKey?: Text | undefined;
  readonly rateLimit?: number | undefined;
  readonly reserveRequests?: number | undefined;
  readonly downloadConcurrency?: number | undefined;
  readonly followLayerUrls?: true | undefined;
}

/** What `RemoteCreateInput` says of tags. */
export interface TagsPart {
  readonly includeTags?: readonly string[] | undefined;
  readonly includeTagPatterns?: readonly string[] | undefined;
  readonly semverRanges?: readonly string[] | undefined;
  readonly semverPrereleases?: true | undefined;
  readonly excludeTagPatterns?: readonly string[] | undefined;
}

export interface RemotePart extends ConnectionPart, TagsPart {
  readonly url: string;
  readonly upstreamName: string;
  readonly platforms?: readonly string[] | undefined;
  readonly signaturePolicy?: string | undefined;
}

/** `ScheduleCreateInput`. */
export type SchedulePart =
  | { readonly intervalSeconds: number }
  | { readonly cron: string; readonly timeZone?: string };

/** `RepositoryCreateInput`, with its remote and schedules in place. */
export interface RepositoryPart {
  readonly name: string;
  readonly remote: RemotePart;
  readonly schedules?: readonly SchedulePart[] | undefined;
}

export interface EstateFile {
  readonly name: string;
  readonly credentials?: readonly CredentialPart[] | undefined;
  readonly signaturePolicies?: readonly SignaturePolicyPart[] | undefined;
  readonly repositories: readonly RepositoryPart[];
}
