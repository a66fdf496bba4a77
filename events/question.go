package events

import (
	"context"
	"iter"
)

// Question is what a repository answers; [Questions] lists them.
type Question interface {
	// Verb names the question: the last token of the subject on which it is asked.
	Verb() string
	// Awaited points to MinSequence, the sequence of the out topic that the answer
	// has to reflect.
	Awaited() *uint64
}

// QuestionFor is a [Question] whose answer is an A.
type QuestionFor[A any] interface {
	Question
	answer() A
}

// Asker answers questions: the repository, over the bus or in memory.
type Asker interface {
	// Ask returns the answer as JSON. A refusal is an [*Error].
	Ask(ctx context.Context, q Question) ([]byte, error)
}

// Ask asks a question and decodes the answer.
func Ask[A any](ctx context.Context, of Asker, q QuestionFor[A]) (A, error) {
	data, err := of.Ask(ctx, q)
	if err != nil {
		var none A
		return none, err
	}
	return Unmarshal[A](data)
}

// Paged is a question whose answer is a list of T that comes in pages.
type Paged[T any] interface {
	Question
	page() *Page
	items(answer []byte) (items []T, next string, err error)
}

// All yields what answers a question, page by page. The sequence may be ranged over
// again; the question must not be changed meanwhile.
func All[T any](ctx context.Context, of Asker, q Paged[T]) iter.Seq2[*T, error] {
	first := q.page().After
	return func(yield func(*T, error) bool) {
		for q.page().After = first; ; {
			items, next, err := ask(ctx, of, q)
			for i := range items {
				if !yield(&items[i], nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if next == "" {
				return
			}
			q.page().After = next
		}
	}
}

func ask[T any](ctx context.Context, of Asker, q Paged[T]) (items []T, next string, err error) {
	data, err := of.Ask(ctx, q)
	if err != nil {
		return nil, "", err
	}
	return q.items(data)
}

// QuestionType is a row of the table of questions.
type QuestionType struct {
	// Does is what the question is for, as an imperative sentence without a period.
	Does string
	// New returns an empty question.
	New func() Question
}

// Questions returns the table of questions. A new question is a row here and a
// handler in the repository.
func Questions() []QuestionType {
	return []QuestionType{
		{"Get one element, or a relationship by its guid", func() Question { return new(Get) }},
		{"Find elements by type, text and conditions", func() Question { return new(Find) }},
		{"Count elements by type", func() Question { return new(Count) }},
		{"Get the elements that are related to one", func() Question { return new(Related) }},
		{"Get what is around an element", func() Question { return new(Graph) }},
		{"Get what an element comes from and what comes from it", func() Question { return new(Lineage) }},
		{"Get the changes of an element or relationship", func() Question { return new(History) }},
		{"Get the definitions of types", func() Question { return new(Types) }},
		{"Get the digests of all that a source has cataloged in a scope", func() Question { return new(Digests) }},
	}
}

// Decode reads a question of the row strictly.
func (t *QuestionType) Decode(data []byte) (Question, error) {
	q := t.New()
	return q, unmarshal(data, q)
}

// Awaited implements [Question].
func (p *Page) Awaited() *uint64 { return &p.MinSequence }

// Awaited implements [Question].
func (q *Get) Awaited() *uint64 { return &q.MinSequence }

// Awaited implements [Question].
func (q *History) Awaited() *uint64 { return &q.MinSequence }

// Awaited implements [Question].
func (q *Graph) Awaited() *uint64 { return &q.MinSequence }

// Awaited implements [Question].
func (q *Lineage) Awaited() *uint64 { return &q.MinSequence }

// Verb implements [Question].
func (*Get) Verb() string { return "get" }

// Verb implements [Question].
func (*Find) Verb() string { return "find" }

// Verb implements [Question].
func (*Count) Verb() string { return "count" }

// Verb implements [Question].
func (*Related) Verb() string { return "related" }

// Verb implements [Question].
func (*Graph) Verb() string { return "graph" }

// Verb implements [Question].
func (*Lineage) Verb() string { return "lineage" }

// Verb implements [Question].
func (*History) Verb() string { return "history" }

// Verb implements [Question].
func (*Types) Verb() string { return "types" }

// Verb implements [Question].
func (*Digests) Verb() string { return "digests" }

func (p *Page) page() *Page { return p }

func (*Find) items(data []byte) (items []Element, next string, err error) {
	a, err := Unmarshal[ElementsAnswer](data)
	return a.Elements, a.Next, err
}

func (*Related) items(data []byte) (items []RelatedElement, next string, err error) {
	a, err := Unmarshal[RelatedAnswer](data)
	return a.Related, a.Next, err
}

func (*Types) items(data []byte) (items []KnownType, next string, err error) {
	a, err := Unmarshal[TypesAnswer](data)
	return a.Types, a.Next, err
}

func (*Digests) items(data []byte) (items []DigestItem, next string, err error) {
	a, err := Unmarshal[DigestsAnswer](data)
	return a.Digests, a.Next, err
}

func (*Get) answer() (a ElementAnswer)     { return a }
func (*Find) answer() (a ElementsAnswer)   { return a }
func (*Count) answer() (a CountAnswer)     { return a }
func (*Related) answer() (a RelatedAnswer) { return a }
func (*Graph) answer() (a GraphAnswer)     { return a }
func (*Lineage) answer() (a GraphAnswer)   { return a }
func (*History) answer() (a HistoryAnswer) { return a }
func (*Types) answer() (a TypesAnswer)     { return a }
func (*Digests) answer() (a DigestsAnswer) { return a }
