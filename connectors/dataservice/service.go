package dataservice

import (
	"slices"
	"strconv"
	"strings"
)

// ServiceDefinition is something that a connector can be asked for by a person
// (i2: service): with a form, for the entities that the person has selected.
type ServiceDefinition struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Form is what the person fills in; none: nothing is asked.
	Form *Form `json:"form,omitempty"`
	// Seeds are the entities that may be given; none: none.
	Seeds *SeedConstraints `json:"seeds,omitempty"`
	// Results are the objects of the entities and links that it returns.
	Results []string `json:"results,omitempty"`
	// Persistent: an id means the same entity in every result.
	Persistent bool `json:"persistent,omitzero"`
	// Login names the credentials that a caller needs, if it needs some.
	Login string `json:"login,omitempty"`
	// Zone is the IANA zone of the local times in its results; none means UTC.
	Zone string `json:"zone,omitempty"`
	// Path is where a face offers it below the connector, such as /all; by default
	// it follows from the id.
	Path string `json:"path,omitempty"`
	// Unavailable says why it cannot be asked; it is listed all the same.
	Unavailable string `json:"unavailable,omitempty"`
}

// SeedConstraints say which entities a service can be asked about.
type SeedConstraints struct {
	// Min and Max bound their number; a Max of 0 means any number.
	Min int `json:"min,omitzero"`
	Max int `json:"max,omitzero"`
	// Links: they are links, not entities.
	Links bool `json:"links,omitzero"`
	// Objects are those that are allowed; none means all.
	Objects []SeedObject `json:"objects,omitempty"`
}

// SeedObject is an object of which seeds may be, with the bounds of their number.
type SeedObject struct {
	Object string `json:"object"`
	Min    int    `json:"min,omitzero"`
	Max    int    `json:"max,omitzero"`
}

// ServiceInput asks a service.
type ServiceInput struct {
	Service string `json:"service"`
	// Fields are what was filled in, by id.
	Fields Values       `json:"fields,omitempty"`
	Seeds  []DataEntity `json:"seeds,omitempty"`
}

// Check checks what a service is asked for, and gives the fields their types. All
// mistakes are told at once.
func (d *ServiceDefinition) Check(in *ServiceInput) []error {
	form := d.Form
	if form == nil {
		form = &Form{}
	}
	filled, mistakes := form.Fill(in.Fields, "/fields")
	in.Fields = filled
	return append(mistakes, d.Seeds.check(in.Seeds)...)
}

func (c *SeedConstraints) check(seeds []DataEntity) (mistakes []error) {
	if c == nil {
		if len(seeds) > 0 {
			mistakes = append(mistakes, invalid("/seeds", "the service takes no seeds"))
		}
		return mistakes
	}
	counts := map[string]int{}
	var allowed []string
	for _, o := range c.Objects {
		allowed = append(allowed, o.Object)
	}
	for i := range seeds {
		counts[seeds[i].Object]++
		switch at := "/seeds/" + strconv.Itoa(i); {
		case len(allowed) > 0 && !slices.Contains(allowed, seeds[i].Object):
			mistakes = append(mistakes, invalid(at+"/object", "%q is none of %s", seeds[i].Object, strings.Join(allowed, ", ")))
		case c.Links != (seeds[i].From != ""):
			mistakes = append(mistakes, invalid(at, "expected %s", map[bool]string{true: "a link, with its ends", false: "an entity, not a link"}[c.Links]))
		}
	}
	mistakes = append(mistakes, bounded(len(seeds), c.Min, c.Max, "seeds")...)
	for _, o := range c.Objects {
		mistakes = append(mistakes, bounded(counts[o.Object], o.Min, o.Max, "seeds of "+o.Object)...)
	}
	return mistakes
}

func bounded(n, least, most int, of string) []error {
	switch {
	case n < least:
		return []error{invalid("/seeds", "at least %d %s; found %d", least, of, n)}
	case most > 0 && n > most:
		return []error{invalid("/seeds", "at most %d %s; found %d", most, of, n)}
	default:
		return nil
	}
}
