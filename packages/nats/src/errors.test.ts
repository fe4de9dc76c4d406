import {
  AuthorizationError,
  ClosedConnectionError,
  ConnectionError,
  InvalidArgumentError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import { ErrorCode, NatsError } from "nats";
import { describe, expect, test } from "vitest";
import { classifyNatsError, describeNatsError, type NatsProblem } from "./errors.ts";

const v2 = (code: ErrorCode): NatsError => new NatsError(code, code);

const SAME_IN_BOTH: readonly (readonly [NatsProblem, Error, Error])[] = [
  ["refused", v2(ErrorCode.ConnectionRefused), new ConnectionError("connection refused")],
  ["timeout", v2(ErrorCode.Timeout), new TimeoutError()],
  ["disconnected", v2(ErrorCode.Disconnect), new RequestError("connection disconnected")],
  [
    "unauthorized",
    v2(ErrorCode.AuthorizationViolation),
    new AuthorizationError("Authorization Violation"),
  ],
  [
    "unauthorized",
    v2(ErrorCode.AuthenticationExpired),
    new UserAuthenticationExpiredError("User Authentication Expired"),
  ],
  [
    "forbidden",
    v2(ErrorCode.PermissionsViolation),
    new PermissionViolationError("Permissions Violation", "publish", "a"),
  ],
  ["closed", v2(ErrorCode.ConnectionClosed), new ClosedConnectionError()],
  [
    "invalid",
    v2(ErrorCode.MaxPayloadExceeded),
    InvalidArgumentError.format("payload", "max_payload size exceeded"),
  ],
];

describe("errors of both client libraries", () => {
  test.each(SAME_IN_BOTH)("%s is the same problem in both", (problem, ofNats2, ofNatsIo3) => {
    expect(classifyNatsError(ofNats2)).toBe(problem);
    expect(classifyNatsError(ofNatsIo3)).toBe(problem);
  });

  test("Node's own errors and unknown things are classified too", () => {
    const notFound = Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" });
    expect(classifyNatsError(notFound)).toBe("refused");
    expect(classifyNatsError(new Error("?"))).toBe("other");
    expect(classifyNatsError("text")).toBe("other");
  });

  test("the text does not repeat a bare code, and keeps words that say more", () => {
    expect(describeNatsError(v2(ErrorCode.ConnectionRefused))).toBe("connection refused");
    expect(describeNatsError(new ConnectionError("connection refused"))).toBe("connection refused");
    expect(describeNatsError(new AuthorizationError("'Authorization Violation'"))).toBe(
      "the server refuses the credentials ('Authorization Violation')",
    );
  });
});
