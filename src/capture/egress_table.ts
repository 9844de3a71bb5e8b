/**
 * `--interface`: what stays outside leaves by one interface, whatever the host prefers. A table with the
 * main table's routes by that interface, made anew when they change.
 */

import type { Route, RouteSocket } from "../../ffi/types.ts";
import { formatAddress } from "../addr/address.ts";
import { formatPrefix } from "../addr/prefix.ts";
import { UserError } from "../errors.ts";
import type { RouteChange } from "../host/changes/route_change.ts";
import type { Transaction } from "../host/transaction.ts";
import { MAIN_TABLE } from "./routing.ts";

/** Routes, by what they say. */
export interface EgressRoutes {
  readonly wanted: ReadonlyMap<string, RouteChange>;
  readonly there: ReadonlyMap<string, RouteChange>;
}

export class EgressTable {
  readonly #name: string;
  readonly #table: number;
  readonly #transaction: Transaction;
  /** Those that are there, as texts, with the number of their change. */
  readonly #made = new Map<string, number>();
  /** The interface has been there. */
  #seen = false;

  constructor(name: string, table: number, transaction: Transaction) {
    this.#name = name;
    this.#table = table;
    this.#transaction = transaction;
  }

  /** What it is to say, and what it says. Throws when there is no such interface from the start. */
  look(socket: RouteSocket): EgressRoutes {
    const link = socket.findLink(this.#name)?.index;
    if (link === undefined) {
      if (this.#seen) return { wanted: new Map(), there: new Map() };
      throw new UserError(`There is no interface "${this.#name}"`, {
        hint: "`ip -br link` shows those that there are",
      });
    }
    this.#seen = true;
    return {
      wanted: this.#copies(socket, MAIN_TABLE, link),
      there: this.#copies(socket, this.#table, link),
    };
  }

  /** Makes it say what the main table says. */
  async follow({ wanted, there }: EgressRoutes): Promise<void> {
    // Those first that go: another gateway would be refused beside the last one. An interface that went
    // down has taken its routes along, also when it is up again.
    for (const [text, id] of this.#made) {
      if (wanted.has(text) && there.has(text)) continue;
      await this.#transaction.withdraw(id);
      this.#made.delete(text);
    }
    for (const [text, route] of wanted) {
      if (this.#made.has(text)) continue;
      this.#made.set(text, (await this.#transaction.apply([route]))[0]!);
    }
  }

  #copies(socket: RouteSocket, table: number, link: number): Map<string, RouteChange> {
    const routes = socket.routes(table).flatMap(ways).filter((route) => route.link === link);
    // Networks of the link first: gateways are reached by them.
    const copies = routes.filter(isPlain).toSorted((a, b) => rank(a) - rank(b))
      .map((route) => this.#copy(route));
    return new Map(copies.map((each) => [JSON.stringify(each), each]));
  }

  #copy({ destination, gateway, onLink, metric }: Route): RouteChange {
    return {
      kind: "route",
      destination: formatPrefix(destination),
      table: this.#table,
      device: this.#name,
      borrowed: true,
      ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
      ...(onLink === true ? { onLink } : {}),
      ...(metric === undefined ? {} : { metric }),
    };
  }
}

/** Of a route that shares its packets between several, each. */
function ways({ hops, ...route }: Route): Route[] {
  return hops === undefined ? [route] : hops.map((hop) => ({ ...route, ...hop }));
}

function isPlain({ type = "unicast", from }: Route): boolean {
  return type === "unicast" && from === undefined;
}

function rank({ gateway }: Route): number {
  return gateway === undefined ? 0 : 1;
}
