/** Where the two servers are, and the environment to start them in. */
export interface ServerBinaries {
  readonly natsServer: string;
  readonly redisServer: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The paths of both servers, after getting those that are missing. @throws Error that says what to install. */
export function ensureServers(env?: NodeJS.ProcessEnv, cacheDir?: string): Promise<ServerBinaries>;

/** The paths of both servers, and the environment to start them in. @throws Error when one is missing. */
export function serverBinaries(env?: NodeJS.ProcessEnv, cacheDir?: string): ServerBinaries;

/** Where postgres and its initdb are, and the environment to start them in. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The path of postgres, after getting it when it is missing. @throws Error that says what to install. */
export function ensurePostgres(
  env?: NodeJS.ProcessEnv,
  cacheDir?: string,
): Promise<PostgresBinaries>;

/** The paths of postgres and its initdb; undefined where there is none. */
export function postgresBinaries(
  env?: NodeJS.ProcessEnv,
  cacheDir?: string,
): PostgresBinaries | undefined;
