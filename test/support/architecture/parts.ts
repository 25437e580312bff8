/** What stands on the specs, the database and the operations. */
import type { Rule } from './rule.ts';

export const parts: Readonly<Record<string, Rule>> = {
  'src/oci/': {
    folders: [],
    packages: [],
    node: ['node:crypto', 'node:net'],
    why: 'the specs are pure and stand on nothing',
  },
  'src/selection/': {
    folders: ['src/oci/'],
    packages: ['re2js', 'semver'],
    node: ['node:timers/promises'],
    why: 'the rules of a selection are pure',
  },
  'src/timetables/': {
    folders: ['src/oci/'],
    packages: [],
    node: [],
    why: 'timetables are pure',
  },
  'src/webhooks/': {
    folders: ['src/oci/'],
    packages: [],
    node: ['node:crypto'],
    why: 'a message is a function of its event',
  },
  'src/client-config/': {
    folders: ['src/oci/'],
    packages: [],
    node: [],
    why: 'the files of a client are a function of its settings',
  },
  'src/threads/': {
    folders: ['src/oci/'],
    packages: [],
    why: 'what runs beside the event loop knows the specs only',
  },
  'src/downloads/': {
    folders: ['src/oci/', 'src/threads/', 'src/registry/transport/', 'src/content/folder/'],
    packages: [],
    why: 'a download thread reads, hashes and writes, and decides nothing',
  },
  'src/estate/': {
    folders: ['src/oci/', 'src/selection/'],
    packages: ['ajv', 'yaml'],
    node: ['node:fs', 'node:fs/promises', 'node:path'],
    why: 'tidemark.yaml is read without a server',
  },
  'src/files/': {
    folders: [],
    packages: [],
    node: ['node:fs/promises'],
    why: 'writing durably needs nothing else',
  },
  'src/registry/': {
    folders: ['src/oci/', 'src/threads/', 'src/telemetry/events.ts'],
    packages: ['undici'],
    why: 'the client of an upstream knows the specs only',
  },
  'src/content/': {
    folders: ['src/oci/', 'src/files/', 'src/threads/'],
    packages: ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'],
    why: 'the blob store knows the specs only',
  },
  'src/db/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/timetables/',
      'src/webhooks/',
      'src/telemetry/events.ts',
      'src/telemetry/trace-context.ts',
    ],
    packages: ['@mikro-orm/*', 'kysely', 'pg'],
    why: 'the database knows the specs only',
  },
  'src/trust/': {
    folders: ['src/oci/', 'src/threads/'],
    packages: ['@sigstore/*', 'openpgp'],
    why: 'verification knows the specs only',
  },
  'src/access/': {
    folders: ['src/oci/', 'src/db/', 'src/files/'],
    packages: [
      'jose',
      'openid-client',
      '@aws-sdk/client-ecr',
      '@aws-sdk/credential-providers',
      '@azure/identity',
      'google-auth-library',
    ],
    why: 'access and secrets stand on the database only',
  },
  'src/operations/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/timetables/',
      'src/client-config/',
      'src/webhooks/',
      'src/db/',
      'src/access/',
    ],
    typesOf: ['src/workflows/'],
    packages: ['@mikro-orm/core'],
    why: 'operations validate, ask for the role, and write',
  },
  'src/estate/convert/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/operations/schedules/cron.ts',
      'src/estate/escape-variables.ts',
    ],
    packages: ['re2js', 'yaml'],
    node: ['node:path'],
    why: 'a file is converted without a server',
  },
};
