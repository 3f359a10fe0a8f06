import { ArtifactError, ConfigError, type PanelflowError, ResourceError } from '../../core/errors.ts';

/** An error as the SDK throws it: S3's own word in `name`, the system's in `code`. */
export interface SdkError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
}

/** What a request was about; printed with every error. */
export interface Asked {
  /** The name that the user gave, when it is one. */
  readonly path?: string | undefined;
  readonly bucket: string;
  readonly key: string;
  /** The server's address, or AWS and the region; not known before the first request. */
  readonly endpoint: string | undefined;
}

interface Meaning {
  readonly words: readonly string[];
  readonly status?: number;
  readonly says: (asked: Asked) => string;
  readonly mend: string;
  /** Wrong until someone changes a file or a setting, or trouble that may pass. */
  readonly kind: 'config' | 'resource';
}

/** What S3 says when the bytes that came are not those that were sent. */
export const DAMAGED: readonly string[] = ['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'];
/** What the system and the SDK say when there is no way to S3. */
const AWAY: readonly string[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ECONNRESET',
  'EPIPE',
  'TimeoutError',
];
const FULL = 507;
const CHECK_ENDPOINT = 'Check AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) and the network; `panelflow s3` starts a server of your own.';

/** What the errors mean, the first that fits: S3's words (its API reference, "Error responses"), the SDK's, the system's, then the status. */
const MEANINGS: readonly Meaning[] = [
  {
    words: ['NoSuchBucket'],
    says: ({ bucket }) => `The bucket "${bucket}" does not exist`,
    mend: 'Check its name and the endpoint, or create it.',
    kind: 'config',
  },
  {
    words: ['CredentialsProviderError', 'TokenProviderError'],
    says: () => 'There are no credentials for S3',
    mend: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or log in with `aws sso login`.',
    kind: 'config',
  },
  {
    words: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'],
    says: () => 'The credentials for S3 have expired',
    mend: 'Renew them and run again; nothing finished is lost.',
    kind: 'resource',
  },
  {
    words: ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'XAdminUserNotFound'],
    says: ({ endpoint }) => `S3 does not accept the credentials (${endpoint})`,
    mend: 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and that they belong to this endpoint.',
    kind: 'config',
  },
  {
    words: ['RequestTimeTooSkewed'],
    says: () => "This machine's clock differs from that of S3",
    mend: 'Set the clock.',
    kind: 'resource',
  },
  {
    words: ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'],
    says: ({ bucket }) => `The bucket "${bucket}" lies in another region`,
    mend: 'Set AWS_REGION to the region of the bucket.',
    kind: 'config',
  },
  {
    words: ['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage'],
    status: FULL,
    says: () => 'The store in S3 is full',
    mend: 'Free some space, or give another place with --work.',
    kind: 'resource',
  },
  {
    words: ['AccessDenied', 'AllAccessDisabled', 'AccountProblem'],
    status: 403,
    says: ({ bucket }) => `Access to the bucket "${bucket}" is denied`,
    mend: 'The credentials need s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on it.',
    kind: 'config',
  },
  {
    words: DAMAGED,
    says: () => 'What is sent to S3 arrives damaged',
    mend: 'Look for a proxy on the way that changes what passes, and check the network.',
    kind: 'resource',
  },
  {
    words: AWAY,
    says: ({ endpoint }) => `S3 cannot be reached (${endpoint})`,
    mend: CHECK_ENDPOINT,
    kind: 'resource',
  },
];

/** True when S3 is away or too busy, which passes. */
export function isOutage({ name, code, $metadata }: SdkError): boolean {
  const status = $metadata?.httpStatusCode ?? 0;
  return AWAY.includes(name) || AWAY.includes(code ?? '') || status === 429 || (status >= 500 && status !== FULL);
}

/** The SDK's error for S3 as one of ours: what went wrong, where, and how to mend it. Never a stack, never a secret. */
export function s3Fault(error: unknown, asked: Asked): PanelflowError {
  const { name, code, message, $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  const reason = code ?? (name === 'Error' ? message : name);
  const { path, bucket, key, endpoint } = asked;
  const context = { ...(path ? { path } : {}), bucket, ...(key ? { key } : {}), ...(endpoint ? { endpoint } : {}), reason };
  if (message === 'Region is missing')
    return new ConfigError('No region is set for S3', {
      cause: error,
      context,
      mend: 'Set AWS_REGION; servers other than AWS take us-east-1.',
    });
  const meaning =
    MEANINGS.find(({ words }) => words.includes(name) || words.includes(code ?? '')) ??
    MEANINGS.find((m) => m.status !== undefined && m.status === status);
  if (meaning) {
    const Class = meaning.kind === 'config' ? ConfigError : ResourceError;
    return new Class(meaning.says(asked), { cause: error, context, mend: meaning.mend });
  }
  if (status === undefined || status >= 500 || status === 429 || status < 300)
    return new ResourceError(`S3 did not do it in ${$metadata?.attempts ?? 1} attempts`, {
      cause: error,
      context: { ...context, ...(status === undefined ? {} : { status }) },
      mend: 'Try again later: run again, and it goes on where it stopped.',
    });
  return new ArtifactError(`S3 refused: ${message}`, {
    cause: error,
    context: { ...context, status },
    retryable: false,
    mend: 'Check the bucket and the endpoint.',
  });
}
