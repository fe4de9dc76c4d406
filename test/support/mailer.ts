// What the tests' silos give to their actors as `ctx.services`.
export interface Mailer {
  readonly from: string;
  send(to: string): void;
}

declare module "tenure" {
  interface Services {
    readonly mail: Mailer;
  }
}
