/** Inputs that are refused, each with the field that is named. */
import { generateKeyPairSync } from 'node:crypto';
import { testSecret } from '../../support/test-secret.ts';
import { certificate, key, leaked } from '../../support/api/remote-inputs.ts';
import { fixture } from '../../support/upstream/fake-upstream.ts';

const encryptedKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
}).privateKey;

interface Mistake {
  readonly name: string;
  readonly input: object;
  readonly field: readonly string[];
  readonly message?: RegExp;
}
export const mistakes: readonly Mistake[] = [
  { name: 'an empty name', input: { name: '' }, field: ['name'] },
  { name: 'a name of 256 characters', input: { name: 'x'.repeat(256) }, field: ['name'] },
  { name: 'a name with a line break', input: { name: 'a\nb' }, field: ['name'] },
  { name: 'a name with NUL', input: { name: 'a\0b' }, field: ['name'] },
  {
    name: 'a url with credentials',
    input: { url: `https://user:${leaked}@registry.example` },
    field: ['url'],
  },
  { name: 'a url with a user only', input: { url: 'https://user@registry.example' }, field: ['url'] },
  { name: 'an unknown scheme', input: { url: 'ftp://registry.example' }, field: ['url'], message: /"ftp"/ },
  { name: 'a file', input: { url: 'file:///etc/passwd' }, field: ['url'] },
  { name: 'no scheme', input: { url: 'registry.example' }, field: ['url'] },
  { name: 'no host', input: { url: 'https://' }, field: ['url'] },
  { name: 'a query', input: { url: `https://registry.example?sig=${leaked}` }, field: ['url'] },
  { name: 'a fragment', input: { url: 'https://registry.example#x' }, field: ['url'] },
  { name: 'CR and LF', input: { url: 'https://registry.example/\r\nX: y' }, field: ['url'] },
  { name: 'a port beyond 65535', input: { url: 'https://registry.example:70000' }, field: ['url'] },
  {
    name: 'the metadata service',
    input: { url: 'http://169.254.169.254' },
    field: ['url'],
    message: /metadata/,
  },
  {
    name: 'the metadata service as one number',
    input: { url: 'http://2852039166' },
    field: ['url'],
    message: /metadata/,
  },
  {
    name: 'the metadata service in octal',
    input: { url: 'http://0251.0376.0251.0376' },
    field: ['url'],
    message: /metadata/,
  },
  {
    name: 'the metadata service inside IPv6',
    input: { url: 'http://[::ffff:169.254.169.254]' },
    field: ['url'],
    message: /metadata/,
  },
  { name: 'the unspecified address', input: { url: 'http://0.0.0.0:5000' }, field: ['url'] },
  { name: 'an upstream name in capitals', input: { upstreamName: 'Library/Nginx' }, field: ['upstreamName'] },
  {
    name: 'an upstream name that climbs',
    input: { upstreamName: '../../etc/passwd' },
    field: ['upstreamName'],
  },
  {
    name: 'a regular expression that does not compile',
    input: { includeTagPatterns: ['v1', 'v(1'] },
    field: ['includeTagPatterns', '1'],
    message: /at character 2: missing closing \)/,
  },
  {
    name: 'a regular expression that is too large',
    input: { excludeTagPatterns: ['([a-z]{100}){10}'] },
    field: ['excludeTagPatterns', '0'],
    message: /instructions/,
  },
  {
    name: '101 regular expressions',
    input: { includeTagPatterns: Array.from({ length: 101 }, () => 'v1') },
    field: ['includeTagPatterns'],
  },
  { name: 'no semver range', input: { semverRanges: ['>=1 <two'] }, field: ['semverRanges', '0'] },
  { name: 'a suffix with its dash', input: { semverSuffix: '-alpine' }, field: ['semverSuffix'] },
  {
    name: 'a platform with another name',
    input: { platforms: ['linux/amd64', 'linux/x86_64'] },
    field: ['platforms', '1'],
    message: /x86_64 is called amd64 here: "linux\/amd64"/,
  },
  { name: 'no minimum age', input: { minimumAgeSeconds: 0 }, field: ['minimumAgeSeconds'] },
  { name: 'no platform', input: { platforms: [] }, field: ['platforms'] },
  { name: 'the newest 0', input: { newestTags: { count: 0 } }, field: ['newestTags', 'count'] },
  {
    name: 'a wildcard that cannot be parsed',
    input: { includeTags: ['ok', 'v[1'] },
    field: ['includeTags', '1'],
  },
  { name: 'an empty exclusion', input: { excludeTags: [''] }, field: ['excludeTags', '0'] },
  {
    name: 'a sigstore with credentials',
    input: { sigstore: `https://u:${leaked}@sigs.example` },
    field: ['sigstore'],
  },
  { name: 'no concurrency', input: { downloadConcurrency: 0 }, field: ['downloadConcurrency'] },
  { name: 'a concurrency of 101', input: { downloadConcurrency: 101 }, field: ['downloadConcurrency'] },
  { name: 'maxRetries of 11', input: { maxRetries: 11 }, field: ['maxRetries'] },
  { name: 'negative maxRetries', input: { maxRetries: -1 }, field: ['maxRetries'] },
  { name: 'a rateLimit of 0', input: { rateLimit: 0 }, field: ['rateLimit'] },
  { name: 'a bandwidth without a unit', input: { bytesPerSecond: '20' }, field: ['bytesPerSecond'] },
  { name: 'a window that is none', input: { syncWindows: ['Sat', 'night'] }, field: ['syncWindows'] },
  { name: 'no windows', input: { syncWindows: [] }, field: ['syncWindows'] },
  { name: 'a reserve of nothing', input: { reserveRequests: 0 }, field: ['reserveRequests'] },
  { name: 'a timeout of 0', input: { totalTimeout: 0 }, field: ['totalTimeout'] },
  { name: 'a negative timeout', input: { connectTimeout: -1.5 }, field: ['connectTimeout'] },
  { name: 'a timeout of a year', input: { sockReadTimeout: 31_536_000 }, field: ['sockReadTimeout'] },
  {
    name: 'a proxy with another scheme',
    input: { proxyUrl: `socks5://u:${leaked}@proxy.example` },
    field: ['proxyUrl'],
  },
  { name: 'a proxy with a path', input: { proxyUrl: 'http://proxy.example/x' }, field: ['proxyUrl'] },
  {
    name: 'an Authorization header',
    input: { headers: [{ name: 'authorization', value: leaked }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a Host header',
    input: { headers: [{ name: 'Host', value: 'x' }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a Content-Length header',
    input: { headers: [{ name: 'Content-Length', value: '1' }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a header name with a blank',
    input: { headers: [{ name: 'X Y', value: 'x' }] },
    field: ['headers', '0', 'name'],
  },
  {
    name: 'a header value with CR and LF',
    input: { headers: [{ name: 'X-A', value: `${leaked}\r\nHost: y` }] },
    field: ['headers', '0', 'value'],
  },
  {
    name: 'a header twice',
    input: {
      headers: [
        { name: 'X-A', value: '1' },
        { name: 'x-a', value: '2' },
      ],
    },
    field: ['headers', '1', 'name'],
  },
  { name: 'a user name with a colon', input: { username: 'a:b' }, field: ['username'] },
  {
    name: 'a password with a NUL',
    input: { password: `${testSecret('broken')}\0` },
    field: ['password'],
  },
  {
    name: 'fault 55: a CA that is no PEM',
    input: { sslCaCertificate: leaked },
    field: ['sslCaCertificate'],
  },
  {
    name: 'fault 55: a damaged certificate',
    input: { sslCaCertificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    field: ['sslCaCertificate'],
  },
  {
    name: 'fault 55: a key where the CA belongs',
    input: { sslCaCertificate: key },
    field: ['sslCaCertificate'],
  },
  {
    name: 'fault 55: a key that does not fit',
    input: { sslClientCertificate: certificate, sslClientKey: fixture('other-name.key') },
    field: ['sslClientKey'],
    message: /does not match/,
  },
  {
    name: 'fault 55: an encrypted key',
    input: { sslClientCertificate: certificate, sslClientKey: encryptedKey },
    field: ['sslClientKey'],
    message: /openssl pkey/,
  },
  {
    name: 'fault 55: a damaged key',
    input: {
      sslClientCertificate: certificate,
      sslClientKey: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
    },
    field: ['sslClientKey'],
  },
  {
    name: 'fault 55: a key without certificate',
    input: { sslClientKey: key },
    field: ['sslClientCertificate'],
  },
  {
    name: 'fault 55: a certificate without key',
    input: { sslClientCertificate: certificate },
    field: ['sslClientKey'],
  },
];
