import { assertEquals, assertRejects } from "@std/assert";
import { Questions } from "../../../src/engine/questions.ts";

Deno.test("answers go to who has asked, in the order of the questions", async () => {
  const questions = new Questions<number>();
  const asked = [questions.ask(), questions.ask(), questions.ask(), questions.ask()];
  questions.answer(1);
  questions.answer(2);
  questions.answerAll(9);
  assertEquals(await Promise.all(asked), [1, 2, 9, 9]);
});

Deno.test("who is not answered hears why; an answer that nobody waits for is none", async () => {
  const questions = new Questions<number>();
  const asked = questions.ask();
  questions.failAll(new Error("It has ended"));
  await assertRejects(() => asked, Error, "It has ended");
  questions.answer(1);
  const later = questions.ask();
  questions.answer(2);
  assertEquals(await later, 2);
});
