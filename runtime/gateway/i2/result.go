package i2

import (
	"context"
	"net/http"
	"time"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect/spi"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

const (
	// maxLinks bounds the bytes of links, which wait until all entities are sent.
	maxLinks   = 64 << 20
	flushAfter = 100 * time.Millisecond
)

// result writes the answer of a service: entities as they come, then links. An error
// after the first record is the last member, errorMessage: it lets the gateway
// ignore what came before.
type result struct {
	w       http.ResponseWriter
	begun   bool
	links   []byte
	flushed time.Time
}

func acquire(ctx context.Context, w http.ResponseWriter, c *call, d *dataservice.ServiceDefinition, in *dataservice.ServiceInput) error {
	out := result{w: w, flushed: time.Now()}
	for entity, err := range client.Many[dataservice.DataEntity](ctx, c.connection, dataservice.VerbAcquire, *in) {
		if err == nil {
			err = out.add(d, &entity)
		}
		if err != nil && !out.begun && events.CodeOf(err) != events.CodeInvalid {
			return err
		}
		if err != nil {
			return out.end(err.Error())
		}
	}
	return out.end("")
}

// add writes an entity, or keeps a link.
func (o *result) add(d *dataservice.ServiceDefinition, e *dataservice.DataEntity) error {
	record, err := spi.RecordOf(d, e)
	if err != nil {
		return err
	}
	data, err := events.Marshal(record)
	if err != nil {
		return events.Errorf(events.CodeUnsupported, "", "a record has no form in JSON: %s", err)
	}
	if e.From == "" {
		return o.write(data)
	}
	if len(o.links)+len(data) > maxLinks {
		return events.Errorf(events.CodeTooLarge, "", "the links are larger than %d MiB", maxLinks>>20)
	}
	if len(o.links) > 0 {
		o.links = append(o.links, ',')
	}
	o.links = append(o.links, data...)
	return nil
}

// write writes an entity.
func (o *result) write(data []byte) error {
	separator := ","
	if !o.begun {
		o.begin()
		separator = ""
	}
	if _, err := o.w.Write(append([]byte(separator), data...)); err != nil {
		return err
	}
	if time.Since(o.flushed) > flushAfter {
		o.flushed = time.Now()
		return http.NewResponseController(o.w).Flush()
	}
	return nil
}

func (o *result) begin() {
	o.w.Header().Set("Content-Type", contentType)
	o.begun = true
	_, _ = o.w.Write([]byte(`{"entities":[`)) // the next write fails too
}

// end writes what is left. An error of writing means that the caller is gone.
func (o *result) end(message string) error {
	if !o.begun {
		o.begin()
	}
	rest := append([]byte(`],"links":[`), o.links...)
	rest = append(rest, ']')
	if message != "" {
		text, err := events.Marshal(message)
		if err != nil {
			text = []byte(`"the connector failed"`)
		}
		rest = append(append(rest, `,"errorMessage":`...), text...)
	}
	_, _ = o.w.Write(append(rest, '}')) // an error: the caller is gone
	return nil
}
