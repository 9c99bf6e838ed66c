import { Injectable } from '@nestjs/common';

/** The least a guard that asks somebody can do: what a limiter costs beyond this is its own. */
class Promising {
  async canActivate() {
    return true;
  }
}

const USERS = Array.from({ length: 10_000 }, (_, i) => ({ id: `user-${i}` }));
let next = 0;

/** Stands for authentication, at no cost: every request is the next user's. */
class Authenticating {
  canActivate(context) {
    context.switchToHttp().getRequest().user = USERS[next];
    next = (next + 1) % USERS.length;
    return true;
  }
}

export const PromiseGuard = Reflect.decorate([Injectable()], Promising);
export const UserGuard = Reflect.decorate([Injectable()], Authenticating);
