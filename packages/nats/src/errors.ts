// What went wrong at NATS, told alike for both client libraries: `nats` 2 puts a code on one error class,
// `@nats-io` 3 has a class per problem.

export type NatsProblem =
  /** Nobody listens there, or the name is unknown. */
  | "refused"
  | "timeout"
  /** There was a connection, and it broke. */
  | "disconnected"
  /** The server does not accept these credentials. */
  | "unauthorized"
  /** The server accepts them, but not this subject. */
  | "forbidden"
  /** The connection or the subscription was closed on this side. */
  | "closed"
  /** The library refuses to send this, most likely because it is larger than max_payload. */
  | "invalid"
  | "other";

const BY_CODE: Readonly<Record<string, NatsProblem>> = {
  // Of `nats` 2.
  CONNECTION_REFUSED: "refused",
  TIMEOUT: "timeout",
  CONNECTION_TIMEOUT: "timeout",
  DISCONNECT: "disconnected",
  AUTHORIZATION_VIOLATION: "unauthorized",
  AUTHENTICATION_EXPIRED: "unauthorized",
  AUTHENTICATION_TIMEOUT: "unauthorized",
  ACCOUNT_EXPIRED: "unauthorized",
  BAD_AUTHENTICATION: "unauthorized",
  PERMISSIONS_VIOLATION: "forbidden",
  CONNECTION_CLOSED: "closed",
  CONNECTION_DRAINING: "closed",
  SUB_CLOSED: "closed",
  SUB_DRAINING: "closed",
  MAX_PAYLOAD_EXCEEDED: "invalid",
  // Of Node, which both libraries hand through when a first connection fails.
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "refused",
  ENETUNREACH: "refused",
  ENOTFOUND: "refused",
  EAI_AGAIN: "refused",
  ETIMEDOUT: "timeout",
  ECONNRESET: "disconnected",
  EPIPE: "disconnected",
};

const BY_NAME: Readonly<Record<string, NatsProblem>> = {
  // Of `@nats-io/nats-core` 3.
  ConnectionError: "refused",
  TimeoutError: "timeout",
  RequestError: "disconnected",
  AuthorizationError: "unauthorized",
  UserAuthenticationExpiredError: "unauthorized",
  PermissionViolationError: "forbidden",
  ClosedConnectionError: "closed",
  DrainingConnectionError: "closed",
  InvalidOperationError: "closed",
  InvalidArgumentError: "invalid",
};

export function classifyNatsError(error: unknown): NatsProblem {
  if (!(error instanceof Error)) return "other";
  const code: unknown = (error as { code?: unknown }).code;
  return (typeof code === "string" ? BY_CODE[code] : undefined) ?? BY_NAME[error.name] ?? "other";
}

const TEXT: Readonly<Record<NatsProblem, string>> = {
  refused: "connection refused",
  timeout: "no answer in time",
  disconnected: "connection lost",
  unauthorized: "the server refuses the credentials",
  forbidden: "the server does not permit the subject",
  closed: "connection closed",
  invalid: "the client library refuses to send it",
  other: "failed",
};

/** One line for people. The library's own words are added where they say more than a code. */
export function describeNatsError(error: unknown): string {
  const text = TEXT[classifyNatsError(error)];
  const own = error instanceof Error ? error.message : String(error);
  const saysMore = own !== "" && !/^[A-Z_]+$/.test(own) && own.toLowerCase() !== text;
  return saysMore ? `${text} (${own})` : text;
}
