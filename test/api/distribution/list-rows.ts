/** Lists of tags and referrers, and what is answered. */
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { amd64, attached, bom, docker, signature, unknownDigest } from '../../support/api/pull-content.ts';
import type { Row } from '../../support/api/pull-content.ts';

export const lists: Row[] = [
  {
    name: 'tags are listed in lexical order',
    path: 'tags/list',
    status: 200,
    expectHeaders: { 'content-type': 'application/json', link: undefined },
    body: { name: 'team/shop', tags: ['docker', 'image', 'index', 'long', 'opaque'] },
  },
  {
    name: 'n limits them, and Link leads on',
    path: 'tags/list?n=2',
    status: 200,
    expectHeaders: { link: '</v2/team/shop/tags/list?n=2&last=image>; rel="next"' },
    body: { name: 'team/shop', tags: ['docker', 'image'] },
  },
  {
    name: 'the last page has no Link',
    path: 'tags/list?n=3&last=image',
    status: 200,
    expectHeaders: { link: undefined },
    body: { name: 'team/shop', tags: ['index', 'long', 'opaque'] },
  },
  {
    name: 'fault 66: last may be a tag that is not there',
    path: 'tags/list?last=imagf',
    status: 200,
    body: { name: 'team/shop', tags: ['index', 'long', 'opaque'] },
  },
  {
    name: 'fault 66: past the end the list is empty',
    path: 'tags/list?last=zzz',
    status: 200,
    body: { name: 'team/shop', tags: [] },
  },
  {
    name: 'fault 65: n=0 answers an empty list without Link',
    path: 'tags/list?n=0',
    status: 200,
    expectHeaders: { link: undefined },
    body: { name: 'team/shop', tags: [] },
  },
  {
    name: 'fault 65: n=-1 answers 400',
    path: 'tags/list?n=-1',
    status: 400,
    code: 'PAGINATION_NUMBER_INVALID',
  },
  {
    name: 'fault 65: n=abc answers 400',
    path: '/v2/_catalog?n=abc',
    status: 400,
    code: 'PAGINATION_NUMBER_INVALID',
  },
  {
    name: 'an unknown repository has no list',
    path: '/v2/team/none/tags/list',
    status: 404,
    code: 'NAME_UNKNOWN',
  },
  {
    name: 'the catalog lists the names that are served',
    path: '/v2/_catalog?n=2',
    status: 200,
    expectHeaders: { link: '</v2/_catalog?n=2&last=team%2Fother>; rel="next"' },
    body: { repositories: ['a/manifests/tags/list', 'team/other'] },
  },
  {
    name: 'the catalog goes on after last',
    path: '/v2/_catalog?n=2&last=team%2Fother',
    status: 200,
    body: { repositories: ['team/shop'] },
  },
  {
    name: 'fault 65: the catalog with n=0 is empty',
    path: '/v2/_catalog?n=0',
    status: 200,
    body: { repositories: [] },
  },
  { name: '/v2/ answers 200', path: '/v2/', status: 200, body: {} },
  { name: '/v2 answers 200', path: '/v2', status: 200, body: {} },
];

const referrerOf = (descriptor: { digest: string; size: number }, more: object): object => ({
  mediaType: mediaTypes.ociManifest,
  digest: descriptor.digest,
  size: descriptor.size,
  ...more,
});
const byDigest = (one: object, two: object): number =>
  (one as { digest: string }).digest < (two as { digest: string }).digest ? -1 : 1;
const indexOf = (...descriptors: object[]): object => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: descriptors.sort(byDigest),
});
const bomReferrer = referrerOf(bom, {
  artifactType: 'application/spdx+json',
  annotations: { made: 'today' },
});
export const referrers: Row[] = [
  {
    name: 'referrers are listed as an index, with artifact types and annotations',
    path: `referrers/${amd64.digest}`,
    status: 200,
    expectHeaders: { 'content-type': mediaTypes.ociIndex, 'oci-filters-applied': undefined, link: undefined },
    body: indexOf(
      bomReferrer,
      referrerOf(signature, { artifactType: 'application/vnd.example.signature' }),
      referrerOf(attached, { artifactType: mediaTypes.ociConfig }),
    ),
  },
  {
    name: 'artifactType filters, and the answer says so',
    path: `referrers/${amd64.digest}?artifactType=application%2Fspdx%2Bjson`,
    status: 200,
    expectHeaders: { 'oci-filters-applied': 'artifactType' },
    body: indexOf(bomReferrer),
  },
  {
    name: 'artifactType that nothing has leaves none',
    path: `referrers/${amd64.digest}?artifactType=application/none`,
    status: 200,
    expectHeaders: { 'oci-filters-applied': 'artifactType' },
    body: indexOf(),
  },
  {
    name: 'a manifest without referrers has an empty index',
    path: `referrers/${docker.digest}`,
    status: 200,
    body: indexOf(),
  },
  { name: 'so has one that is not there', path: `referrers/${unknownDigest}`, status: 200, body: indexOf() },
  {
    name: 'a digest that is none answers 400',
    path: 'referrers/latest',
    status: 400,
    code: 'DIGEST_INVALID',
  },
  {
    name: 'so has an unknown repository: a 404 would say that referrers are not served',
    path: `/v2/team/none/referrers/${unknownDigest}`,
    status: 200,
    body: indexOf(),
  },
  {
    name: 'fault 75: referrers in another repository are not listed',
    path: `/v2/team/other/referrers/${amd64.digest}`,
    status: 200,
    body: indexOf(),
  },
];
