package connectortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

var errGone = errors.New("the shop is gone")

// shop is a third party in memory: names and prices.
type shop struct {
	mu    sync.Mutex
	goods map[string]int
	gone  bool
}

// shopTypes are those that Camena does not ship.
func shopTypes() []events.TypeDef {
	price := []events.AttributeDef{{Name: "price", Type: "int", Description: "What it costs."}}
	steps := []events.AttributeDef{{Name: "steps", Type: "int", Description: "How far it is."}}
	near := func(end string) *events.EndDef {
		return &events.EndDef{Type: "Good", Name: end, Cardinality: events.CardinalityMany}
	}
	return []events.TypeDef{
		{Kind: events.KindElement, Name: "Thing", SuperType: "Referenceable", Description: "A thing."},
		{Kind: events.KindElement, Name: "Good", SuperType: "Thing", Description: "What a shop sells.", Attributes: price},
		{Kind: events.KindElement, Name: "Bad", SuperType: "Thing", Description: "What no shop sells."},
		{Kind: events.KindRelationship, Name: "Near", Description: "Beside it.", End1: near("goods"), End2: near("neighbors"), Attributes: steps},
		{Kind: events.KindRelationship, Name: "Far", SuperType: "Near", Description: "Not beside it."},
		{Kind: events.KindClassification, Name: "Fresh", Description: "New.", ValidFor: []string{"Good"}, Attributes: price},
		{Kind: events.KindClassification, Name: "Secret", Description: "Under the counter.", ValidFor: []string{"Good"}},
	}
}

func (s *shop) look() (map[string]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil, errGone
	}
	return maps.Clone(s.goods), nil
}

func (s *shop) change(f func()) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	}
}

// toy is a connector for a shop. Its fault is the behavior that it breaks.
type toy struct {
	shop  *shop
	fault connectortest.Behavior
	c     *connectors.Context
	// The rest serves the faults.
	secret  string
	sent    map[string]int
	forever chan struct{}
}

type configuration struct {
	Password connectors.Secret `json:"password"`
}

func (s *shop) factory(fault connectortest.Behavior, forever chan struct{}) connectors.Factory {
	return connectors.Factory{Kind: "toy", New: func(p events.Properties) (connectors.Connector, error) {
		v := &toy{shop: s, fault: fault, sent: map[string]int{}, forever: forever}
		cfg, err := connectors.DecodeConfig[configuration](p)
		switch fault {
		case connectortest.RejectsUnknownNames:
			err = json.Unmarshal(p.Raw(), &struct{}{})
		case connectortest.KeepsSecrets:
			v.secret, err = cfg.Password.Reveal()
		case connectortest.NewDoesNoIO:
			_, err = s.look()
		default:
		}
		return v, err
	}}
}

func (v *toy) Start(_ context.Context, c *connectors.Context) error {
	v.c = c
	if v.fault == connectortest.LeavesNoGoroutine {
		go func() { <-v.forever }()
	}
	_, err := v.shop.look()
	if v.fault == connectortest.SurvivesFailedStart {
		return nil
	}
	return err
}

func (v *toy) Disconnect(context.Context) error {
	if v.fault == connectortest.Disconnects {
		return errors.New("the shop does not let go")
	}
	return nil
}

func (*toy) Interest() connectors.Filter { return connectors.Filter{Types: []string{"Good"}} }

func (v *toy) Changed(_ context.Context, c connectors.Change) error {
	if v.fault == connectortest.TakesChanges && c.Type == events.TypeElementDeleted {
		return errors.New("the shop sells no more of it")
	}
	return nil
}

func (v *toy) Refresh(ctx context.Context) error {
	goods, err := v.shop.look()
	if err != nil && v.fault != connectortest.KeepsTheUnseen {
		return err
	}
	switch v.fault {
	case connectortest.RepeatsNothing:
		return errors.Join(v.c.Send(ctx, commands(goods)...), v.reconcile(ctx, goods))
	case connectortest.SeesAdditions, connectortest.SeesChanges:
		v.overlook(goods)
	case connectortest.SeesDeletions:
		maps.Copy(v.sent, goods)
		return v.reconcile(ctx, v.sent)
	case connectortest.StopsInTime:
		ctx = context.WithoutCancel(ctx)
	case connectortest.SurvivesFaults:
		return v.sendOnce(ctx, goods)
	case connectortest.SurvivesLag:
		return v.compare(ctx, goods)
	case connectortest.SurvivesRestart:
		return v.sendNameless(ctx, goods)
	default:
	}
	return v.reconcile(ctx, goods)
}

// reconcile is all that a right connector does.
func (v *toy) reconcile(ctx context.Context, goods map[string]int) error {
	_, err := v.c.Reconcile(ctx, "shop", wanted(goods))
	return err
}

func wanted(goods map[string]int) iter.Seq2[connectors.Wanted, error] {
	return func(yield func(connectors.Wanted, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(goods)) {
			if !yield(connectors.Wanted{Element: spec(name, goods[name])}, nil) {
				return
			}
		}
	}
}

func spec(name string, price int) *events.ElementSpec {
	return &events.ElementSpec{
		Type: "Good", QualifiedName: "Good::" + name,
		Properties: events.Props(map[string]any{"displayName": name, "price": price}),
	}
}

func commands(goods map[string]int) (commands []events.Command) {
	for _, name := range slices.Sorted(maps.Keys(goods)) {
		commands = append(commands, &events.Upsert{Element: *spec(name, goods[name])})
	}
	return commands
}

// overlook drops what is new, or brings back what was, since the first refresh.
func (v *toy) overlook(goods map[string]int) {
	if len(v.sent) == 0 {
		maps.Copy(v.sent, goods)
	}
	for name := range goods {
		price, known := v.sent[name]
		switch {
		case known:
			goods[name] = price
		case v.fault == connectortest.SeesAdditions:
			delete(goods, name)
		}
	}
}

// sendOnce remembers what it sent before it knows that it was.
func (v *toy) sendOnce(ctx context.Context, goods map[string]int) error {
	news := maps.Clone(goods)
	maps.DeleteFunc(news, func(name string, price int) bool { return v.sent[name] == price })
	maps.Copy(v.sent, goods)
	return v.c.SendIn(ctx, "shop", commands(news)...)
}

// compare asks the repository what there is without waiting for its own commands.
func (v *toy) compare(ctx context.Context, goods map[string]int) error {
	var gone []events.Command
	for e, err := range events.All(ctx, v.c, &events.Find{Scope: "shop"}) {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(e.Header.QualifiedName, "Good::")
		if _, there := goods[name]; !there {
			gone = append(gone, &events.Delete{Element: events.ByName(e.Header.QualifiedName)})
		}
	}
	return v.c.SendIn(ctx, "shop", append(gone, commands(goods)...)...)
}

// sendNameless sends elements that nothing identifies, once a value.
func (v *toy) sendNameless(ctx context.Context, goods map[string]int) error {
	for name := range goods {
		s := events.ElementSpec{Type: "ContactDetails", Properties: events.Props(map[string]any{"displayName": name})}
		if _, err := v.c.Apply(ctx, &events.Upsert{Element: s}); err != nil {
			return err
		}
	}
	return nil
}

// prepare sets up a shop, a connector with a fault for it, and its fixture.
func prepare(t *testing.T, fault connectortest.Behavior) (connectors.Factory, connectortest.Fixture) {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("open sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shop{}
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	return s.factory(fault, forever), connectortest.Fixture{Seeds: 3, Types: shopTypes(), ThirdParty: func(testing.TB) connectortest.ThirdParty {
		s.goods, s.gone = map[string]int{"apple": 1, "bread": 2, "cheese": 3}, false
		return connectortest.ThirdParty{
			Configuration: events.Props(map[string]any{"password": "file:" + password}),
			Secrets:       []string{"open sesame"},
			Add:           s.change(func() { s.goods["date"] = 4 }),
			Change:        s.change(func() { s.goods["apple"] = 5 }),
			Remove:        s.change(func() { delete(s.goods, "bread") }),
			Break:         s.change(func() { s.gone = true }),
		}
	}}
}
