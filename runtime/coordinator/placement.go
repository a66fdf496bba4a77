package coordinator

import (
	"cmp"
	"maps"
	"slices"

	"github.com/camena-io/camena/events"
)

// placement assigns connectors to nodes, by kind. It spreads them so that, of
// each kind and in total, no node has two more than another node that could run
// them, and moves as few as possible.
type placement struct {
	able  map[string][]string            // kind: the nodes that offer it, sorted
	has   map[string]map[string][]string // kind: node: connectors
	total map[string]int                 // node: connectors of all kinds
	node  map[string]string              // connector: node
}

func newPlacement(nodes map[string]events.Node) *placement {
	p := &placement{
		able: map[string][]string{}, has: map[string]map[string][]string{},
		total: map[string]int{}, node: map[string]string{},
	}
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		for _, kind := range nodes[node].Kinds {
			p.able[kind] = append(p.able[kind], node)
		}
	}
	return p
}

// put gives a connector to a node.
func (p *placement) put(connector, kind, node string) {
	if p.has[kind] == nil {
		p.has[kind] = map[string][]string{}
	}
	p.has[kind][node] = append(p.has[kind][node], connector)
	p.total[node]++
	p.node[connector] = node
}

// place gives a connector to the node that has the fewest; to none if no node
// offers its kind.
func (p *placement) place(connector, kind string) {
	if able := p.able[kind]; len(able) > 0 {
		p.put(connector, kind, slices.MinFunc(able, p.byLoad(kind)))
	}
}

// byLoad compares nodes by what they have of a kind, then by all they have.
func (p *placement) byLoad(kind string) func(a, b string) int {
	return func(a, b string) int {
		return cmp.Or(cmp.Compare(p.count(kind, a), p.count(kind, b)), cmp.Compare(p.total[a], p.total[b]))
	}
}

func (p *placement) count(kind, node string) int { return len(p.has[kind][node]) }

// balance moves connectors until the spread is even. Each move makes it more
// even, so that balance ends, and an even spread stays as it is.
func (p *placement) balance() {
	kinds := slices.Sorted(maps.Keys(p.has))
	for _, kind := range kinds {
		p.balanceKind(kind)
	}
	for p.balanceTotal(kinds) {
	}
}

func (p *placement) balanceKind(kind string) {
	able := p.able[kind]
	for {
		most, least := slices.MaxFunc(able, p.byLoad(kind)), slices.MinFunc(able, p.byLoad(kind))
		if p.count(kind, most)-p.count(kind, least) < 2 {
			return
		}
		p.move(kind, most, least)
	}
}

// balanceTotal makes the one move that evens the totals most while the kinds
// stay even, if there is one.
func (p *placement) balanceTotal(kinds []string) bool {
	var kind, from, to string
	best := 1
	for _, k := range kinds {
		for _, a := range p.able[k] {
			for _, b := range p.able[k] {
				if gap := p.total[a] - p.total[b]; gap > best && p.count(k, a) > p.count(k, b) {
					kind, from, to, best = k, a, b, gap
				}
			}
		}
	}
	if best > 1 {
		p.move(kind, from, to)
	}
	return best > 1
}

// move moves the connector that was put last: connectors that do not run yet
// are put last, and moving them costs nothing.
func (p *placement) move(kind, from, to string) {
	have := p.has[kind][from]
	last := len(have) - 1
	connector := have[last]
	p.has[kind][from] = have[:last]
	p.total[from]--
	p.put(connector, kind, to)
}
