package graph

import "github.com/camena-io/camena/events"

// previewBytes is how much of what would change fits into an answer.
const previewBytes = 256 << 10

// preview is the outcome of a dry run: the answer tells the changes, which are
// not made.
func (o *Outcome) preview() Outcome {
	result := o.Result
	size := 0
	for i := range o.changes {
		c := &o.changes[i]
		size += len(c.data)
		if size > previewBytes && i > 0 {
			result.More = len(o.changes) - i
			break
		}
		result.Preview = append(result.Preview, c.preview())
	}
	return Outcome{Result: result}
}

func (c *change) preview() events.Preview {
	p, err := events.DecodeChange(c.eventType, c.data)
	if err != nil { // of a fence there is nothing to show
		return events.Preview{Type: c.eventType}
	}
	return p
}
