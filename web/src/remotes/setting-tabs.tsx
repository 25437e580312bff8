import type { FieldTab } from '../shared/forms/field-tabs.tsx';
import { ConnectionFields } from './connection-fields.tsx';
import { FallbackFields } from './fallback-fields.tsx';
import type { SettingsProps } from './settings-values.ts';

/** The fields of the API that `TagFields` has. */
export const tagFields = [
  'includeTags',
  'includeTagPatterns',
  'semverRanges',
  'semverSuffix',
  'semverPrereleases',
  'excludeTags',
  'excludeTagPatterns',
  'platforms',
  'immutableTags',
  'newestTags',
  'minimumAgeSeconds',
  'tagFailures',
] as const;

const connectionFields = [
  'downloadConcurrency',
  'rateLimit',
  'bytesPerSecond',
  'syncWindows',
  'reserveRequests',
  'proxyUrl',
  'sslValidation',
  'sslCaCertificate',
] as const;

interface Props {
  readonly fields: SettingsProps;
  readonly credentials: readonly { readonly id: string; readonly name: string }[];
}

/** The tabs that the forms of remotes and of mirror rules share. */
export function settingTabs({ fields, credentials }: Props): readonly FieldTab[] {
  return [
    {
      tab: 'fallbacks',
      label: 'Fallbacks',
      fields: ['fallbacks'],
      panel: <FallbackFields {...fields} credentials={credentials} />,
    },
    {
      tab: 'connection',
      label: 'Connection',
      fields: connectionFields,
      panel: <ConnectionFields {...fields} />,
    },
  ];
}
