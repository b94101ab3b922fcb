/** A value that code computes. */
export type Value = number | string | boolean | null | readonly Value[];

export type Node =
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: "-" | "+" | "~" | "not"; readonly operand: Node }
  | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  /** `and`, `or`: the right side only if need be. */
  | { readonly kind: "logical"; readonly operator: "and" | "or"; readonly left: Node; readonly right: Node }
  /** `a <= b < c`. */
  | { readonly kind: "compare"; readonly first: Node; readonly rest: readonly Comparison[] }
  | { readonly kind: "conditional"; readonly test: Node; readonly then: Node; readonly otherwise: Node }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: "index"; readonly of: Node; readonly index: Node }
  | { readonly kind: "tuple"; readonly items: readonly Node[] };

export interface Comparison {
  readonly operator: CompareOperator;
  readonly right: Node;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**" | "&" | "|" | "^" | "<<" | ">>";
export type CompareOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "is" | "is not";

export type Statement =
  | {
      readonly kind: "assert";
      readonly line: number;
      readonly test: Node;
      readonly message: Node | undefined;
      readonly text: string;
    }
  | { readonly kind: "print"; readonly line: number; readonly values: readonly Node[] }
  | {
      readonly kind: "assign";
      readonly line: number;
      readonly name: string;
      readonly operator: BinaryOperator | undefined;
      readonly value: Node;
    }
  | {
      readonly kind: "if";
      readonly line: number;
      readonly branches: readonly Branch[];
      readonly otherwise: readonly Statement[];
    }
  | { readonly kind: "expression"; readonly line: number; readonly value: Node }
  | { readonly kind: "pass"; readonly line: number };

export interface Branch {
  readonly test: Node;
  readonly body: readonly Statement[];
}
