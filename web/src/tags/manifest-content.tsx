import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf, ResultOf } from '../graphql/graphql.ts';
import { Digest } from '../shared/digest.tsx';
import shared from '../shared/shared.module.css';
import { StateMark } from '../shared/state-mark.tsx';
import { readAnnotations, shortType } from './manifest-text.ts';
import { BlobText } from './blob-text.tsx';
import { ImageConfig } from './image-config.tsx';
import { RawManifest } from './raw-manifest.tsx';
import { Section } from './section.tsx';
import classes from './tags.module.css';

export const ManifestContentFragment = graphql(`
  fragment ManifestContent on Manifest {
    id
    digest
    mediaType
    artifactType
    sizeBytes
    totalSizeBytes
    raw
    subject
    blobs {
      id
      digest
      sizeBytes
      mediaType
      isStored
    }
    children {
      digest
      platform
      isStored
      absence
    }
    referrers {
      id
      blobs {
        id
        mediaType
        sizeBytes
      }
      digest
      artifactType
      mediaType
      totalSizeBytes
    }
    signatures {
      id
      kind
      name
      creator
      keyId
      timestamp
      verified {
        isVerified
        by
        reason
      }
    }
  }
`);

type Manifest = ResultOf<typeof ManifestContentFragment>;

interface Props {
  readonly manifest: FragmentOf<typeof ManifestContentFragment>;
}

/** Layers, config, annotations, referrers and signatures of a manifest. */
export function ManifestContent({ manifest }: Props) {
  const data = readFragment(ManifestContentFragment, manifest);
  const { blobs, children, referrers, signatures } = data;
  const annotations = readAnnotations(data.raw);
  return (
    <>
      <Facts data={data} />
      <Manifests manifests={children} />
      <Blobs blobs={blobs} />
      {children.length === 0 && blobs[0] !== undefined && shortType(blobs[0].mediaType ?? '') === 'config' ? (
        <ImageConfig id={blobs[0].id} />
      ) : null}
      <Section title="Annotations" count={annotations.length}>
        <dl className={classes.annotations}>
          {annotations.map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </Section>
      <Referrers referrers={referrers} />
      <Signatures signatures={signatures} />
      <RawManifest raw={data.raw} />
    </>
  );
}

function Facts({ data }: { readonly data: Manifest }) {
  return (
    <dl className={shared.facts}>
      <dt>Type</dt>
      <dd>{shortType(data.artifactType ?? data.mediaType)}</dd>
      <dt>Size</dt>
      <dd>
        {formatBytes(data.totalSizeBytes)}{' '}
        <span className={shared.dim}>document {formatBytes(data.sizeBytes)}</span>
      </dd>
      {data.subject === null ? null : (
        <>
          <dt>Subject</dt>
          <dd>
            <Digest value={data.subject} />
          </dd>
        </>
      )}
    </dl>
  );
}

function Manifests({ manifests }: { readonly manifests: Manifest['children'] }) {
  return (
    <Section title="Manifests" count={manifests.length}>
      {manifests.map(({ digest, platform, isStored, absence }) => (
        <div key={digest} className={classes.line}>
          <span>{platform ?? 'no platform'}</span>
          <span>
            {isStored ? null : (
              <StateMark tone="rest">{absence === 'BY_RULE' ? 'left out' : 'absent'}</StateMark>
            )}
          </span>
          <Digest value={digest} />
        </div>
      ))}
    </Section>
  );
}

function Blobs({ blobs }: { readonly blobs: Manifest['blobs'] }) {
  return (
    <Section title="Config and layers" count={blobs.length}>
      {blobs.map(({ id, digest, sizeBytes, mediaType, isStored }) => (
        <div key={`${id}${digest}`} className={classes.line}>
          <span title={mediaType ?? ''}>{shortType(mediaType ?? 'blob')}</span>
          <span className={classes.number}>
            {isStored ? formatBytes(sizeBytes) : <StateMark tone="rest">not stored</StateMark>}
          </span>
          <Digest value={digest} />
        </div>
      ))}
    </Section>
  );
}

function Referrers({ referrers }: { readonly referrers: Manifest['referrers'] }) {
  return (
    <Section title="Referrers" count={referrers.length}>
      {referrers.map(({ id, digest, artifactType, mediaType, totalSizeBytes, blobs: documents }) => (
        <div key={id}>
          <div className={classes.line}>
            <span>{shortType(artifactType ?? mediaType)}</span>
            <span className={classes.number}>{formatBytes(totalSizeBytes)}</span>
            <Digest value={digest} />
          </div>
          {documents.slice(1).map((document) => (
            <BlobText
              key={document.id}
              id={document.id}
              label={shortType(document.mediaType ?? 'document')}
            />
          ))}
        </div>
      ))}
    </Section>
  );
}

function Signatures({ signatures }: { readonly signatures: Manifest['signatures'] }) {
  return (
    <Section title="Signatures" count={signatures.length}>
      {signatures.map(({ id, kind, name, verified }) => (
        <div key={id} className={classes.line}>
          <span>{kind === 'COSIGN' ? 'cosign' : name}</span>
          {verified === null ? (
            <StateMark tone="rest">no policy</StateMark>
          ) : (
            <StateMark
              tone={verified.isVerified ? 'good' : 'bad'}
              title={verified.reason ?? verified.by ?? ''}
            >
              {verified.isVerified ? (verified.by ?? 'verified') : 'not verified'}
            </StateMark>
          )}
        </div>
      ))}
    </Section>
  );
}
