/**
 * A program with a name that no other has: an interpreter, started by a link of that name. It lives in the
 * network that this thread is in, and is ended at the end of its block.
 */

import { must, Running } from "./process.ts";

/** Each line is a command; each answer is a line with a number. */
const PROGRAM = `import socket, subprocess, sys
sockets, source = [], "198.18.0.1"
def new():
    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    return len(sockets)
def marks():
    return [each.getsockopt(1, 36) for each in sockets]
def child():
    return subprocess.Popen(["sleep", "600"]).pid
def connect(port):
    sockets.append(socket.create_connection(("127.0.0.1", port), source_address=(source, 0)))
    return len(sockets)
def receive():
    try: return "received %d" % len(sockets[-1].recv(10))
    except OSError as error: return error.strerror
turn = 0
print("ready", flush=True)
for line in sys.stdin:
    turn += 1
    print("answer %d: %s." % (turn, eval(line)), flush=True)
`;

/** Short enough for the kernel to keep all of it. */
export function newName(): string {
  return `zt${crypto.randomUUID().slice(0, 8)}`;
}

export class NamedProgram implements AsyncDisposable {
  readonly running: Running;
  readonly #directory: string;
  #turn = 0;

  private constructor(running: Running, directory: string) {
    this.running = running;
    this.#directory = directory;
  }

  /** `within` starts it elsewhere: in a namespace, in a cgroup. */
  static async start(
    name: string,
    within: (command: string[]) => Running = plain,
  ): Promise<NamedProgram> {
    const python = (await must(["python3", "-c", "import sys; print(sys.executable)"])).trim();
    const directory = await Deno.makeTempDir();
    await Deno.symlink(python, `${directory}/${name}`);
    const running = within([`${directory}/${name}`, "-c", PROGRAM]);
    const program = new NamedProgram(running, directory);
    try {
      await running.logged(/ready/);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return program;
  }

  get pid(): number {
    return this.running.pid;
  }

  /** What `call` gives, as the program prints it. */
  async ask(call: "new()" | "marks()" | "child()" | "receive()" | `connect(${number})`) {
    await this.running.write(`${call}\n`);
    const [, answer] = await this.running.logged(new RegExp(`answer ${++this.#turn}: (.*)\\.\n`));
    return answer!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.kill();
    await this.running.closeInput().catch(() => {});
    await Deno.remove(this.#directory, { recursive: true });
  }
}

function plain(command: string[]): Running {
  return new Running(command[0]!, command, { stdin: "piped" });
}
