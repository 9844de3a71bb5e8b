import { assert, assertEquals } from "@std/assert";
import { explainAnswer } from "../../../../src/host/owner/explain.ts";
import { process } from "../../../support/processes.ts";

const END = "127.0.0.1:1080";

Deno.test("each answer says who it is about, where, and what helps", () => {
  const systemd = process(1, { name: "systemd" });
  const relay = process(10, { name: "docker-proxy" });
  const answers = [
    explainAnswer({ kind: "nobody" }, END),
    explainAnswer({ kind: "waiting", manager: systemd }, END),
    explainAnswer({ kind: "container", relay, address: "172.17.0.2" }, END),
    explainAnswer({ kind: "container", relay, address: undefined }, END),
    explainAnswer({ kind: "elsewhere", holders: [process(11)] }, END),
    explainAnswer({ kind: "hidden", uid: 1000 }, END),
  ];
  assertEquals(new Set(answers.map(({ message }) => message)).size, answers.length);
  for (const { message, hint } of answers) assert(message.includes(END) && hint.includes("`"));
  assert(answers[1]!.message.startsWith("systemd (pid 1) "));
  assert(answers[2]!.message.includes("at 172.17.0.2"));
});
