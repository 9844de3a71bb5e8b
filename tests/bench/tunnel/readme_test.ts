import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { QUIET_RUN, resultWith, samples, throughputs } from "./fixtures.ts";
import { speedPicture, speedSection } from "./readme.ts";

Deno.test("README: conditions, variants, picture, and the figures that matter", () => {
  const idle = samples("idle", "ztun", [{ wakeups: 2, idleCpu: 0, rssBefore: 70, rssAfter: 60 }]);
  assertEquals(
    speedSection(resultWith([...QUIET_RUN, ...idle]), "docs/speed.svg"),
    `Medians of 3 rounds of 3 s on 2 CPUs (Some CPU), Linux 6.18, Deno 2.9.6, 2026-01-02:

- \`direct\`: no tunnel and no proxy
- \`proxy\`: the SOCKS5 server of all the others (\`ztun socks\`), without a tunnel
- \`hev\`: hev 2, MTU 8500
- \`ztun\`: \`ztun up\`, MTU 1500

![Bars: the first figure of some scenarios](docs/speed.svg)

| scenario | figure | direct | proxy | hev | ztun | ztun / proxy | ztun / hev |
| --- | --- | --: | --: | --: | --: | --: | --: |
| idle | wake-ups in 20 s ↓ | – | – | – | 2 | – | – |
| idle | CPU in 20 s, ms ↓ | – | – | – | 0 | – | – |
| idle | RSS after, MiB ↓ | – | – | – | 60 | – | – |
| tcp-up-1 | throughput, Gbit/s | 20 | 11 | 5 | 10 | 0.91 | 2.00 |

↓ less is better`,
  );
});

Deno.test("README: what has no verdict says so", () => {
  const noisy = resultWith(throughputs({ proxy: [10, 20, 30], ztun: [9, 9, 9] }));
  const section = speedSection(noisy, undefined);
  assertStringIncludes(section, "\n\n- tcp-up-1: no verdict, too noisy: ");
  assert(!section.includes("!["));
  assertEquals(speedPicture(noisy), undefined);
});

Deno.test("README: the picture has some scenarios", () => {
  const bidirectional = samples("tcp-bidir", "ztun", [{ throughput: 7 }]);
  const drawn = speedPicture(resultWith([...QUIET_RUN, ...bidirectional]))!;
  assertStringIncludes(drawn, ">tcp-up-1: throughput<");
  assert(!drawn.includes("tcp-bidir"));
});
