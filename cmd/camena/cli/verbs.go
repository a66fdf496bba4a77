package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// What several verbs have in common.
const (
	theElement  = "the element"
	usageMerge  = "keep the properties that are not given"
	usageZone   = `a governance zone that it is a member of; may be given again; "" removes all`
	usageAnchor = "the element that it belongs to, by qualified name or guid"
)

func first(args []string) string { return args[0] }

func second(args []string) string { return args[1] }

func always(typeName string) func([]string) string { return func([]string) string { return typeName } }

func element() field { return field{name: theElement, pointer: "/element"} }

// specFlags are the flags of what creates an element.
func specFlags() []field {
	return []field{
		{"zone", "/element/zones", texts, usageZone},
		{"anchor", "/element/anchor", ref, usageAnchor},
		unknown(),
		{"guid", "/element/guid", text, "its guid, for imports; default: derived from the qualified name"},
		{"classification", "/element/classifications", classifications, "a classification without properties that it has; may be given again"},
	}
}

func unknown() field {
	values := map[string]any{"keep": events.KeepUnknown, "refuse": events.RefuseUnknown}
	return field{"unknown", "/unknownProperties", oneWord("refuse", values), "what happens to properties that the type does not have: keep puts them into additionalProperties"}
}

// elementVerbs are the verbs about elements and relationships.
func elementVerbs() []*verb {
	return slices.Concat(creatingVerbs(), updatingVerbs(), deletingVerbs(), movingVerbs(), copyingVerbs(), classifyingVerbs(), linkingVerbs())
}

func creatingVerbs() []*verb {
	return []*verb{
		{
			use: "create TYPE [QUALIFIED_NAME]", command: events.TypeCreateElement,
			long: `"upsert" also changes one that exists. Types that are not Referenceable need no name.`,
			example: `  camena elements create Topic Topic::returns --set displayName=returns
  camena elements create DataFile DataFile::c.csv --properties '{"displayName": "a"}' --zone sales --anchor FileFolder::in
  camena elements create Topic Topic::x --set color=red --unknown keep --dry-run`,
			args:  []field{{"the type", "/element/type", text, ""}, {"the qualified name", "/element/qualifiedName", text, ""}},
			least: 1, flags: specFlags(), period: "/element",
			properties: []propertiesOf{{"set", "/element/properties", first, false}},
		},
		{
			use: "upsert TYPE QUALIFIED_NAME", command: events.TypeUpsertElement,
			long: `Properties that are not given are removed, unless with --merge.
Zones, classifications, anchor and effectivity that are not given stay as they are.`,
			example: `  camena elements upsert Topic Topic::orders --set displayName=orders
  camena elements upsert Topic Topic::orders --merge --set description='All orders' --clear displayName`,
			args:  []field{{"the type", "/element/type", text, ""}, {"the qualified name", "/element/qualifiedName", text, ""}},
			least: 2, flags: append(specFlags(), field{"merge", "/merge", truth, usageMerge}), period: "/element",
			properties: []propertiesOf{{"set", "/element/properties", first, true}},
			look: func(ctx context.Context, m *client.Client, o *operation) (*events.ElementHeader, error) {
				return headerOf(ctx, m, events.ByName(o.arguments[1]))
			},
			check: func(o *operation) error {
				return withoutPointer(events.CheckTypedName("/element/qualifiedName", o.arguments[1]))
			},
		},
	}
}

func updatingVerbs() []*verb {
	return []*verb{
		{
			use: "update QUALIFIED_NAME|GUID", command: events.TypeUpdateElement,
			long: `A relationship is named by its guid.
What is not given stays as it is, unless with --replace, which removes the properties that are not given.`,
			example: `  camena elements update Topic::orders --set description='All orders' --clear displayName
  camena elements update Topic::orders --properties @topic.json --replace --expect-version 3
  camena elements update Topic::orders --effective-to 2027-01-01 --zone sales`,
			flags: []field{
				{"zone", "/zones", texts, usageZone}, unknown(), {"replace", "/replace", truth, "remove the properties that are not given"},
			},
			exclusive:  [][]string{{"clear", "replace"}},
			properties: []propertiesOf{{"set", "/properties", nil, true}}, look: lookAtTarget, always: true,
		},
	}
}

func deletingVerbs() []*verb {
	return []*verb{
		{
			use: "delete QUALIFIED_NAME|GUID", command: events.TypeDeleteElement, period: "-",
			long: `The methods:

  soft     "camena elements restore" brings it back while its history is kept
  archive  it stays, classified as Memento; only lineage and questions with --archived find it
  purge    it is removed with its history, for good; the history of its former relationships stays

With --cascade, elements that are anchored to it are deleted too, whoever owns them. Without, an element
with anchored elements is not deleted, unless all these are archived.`,
			example: `  camena elements delete Topic::orders
  camena elements delete FileFolder::in --cascade --dry-run
  camena elements delete Topic::orders --method archive --archive-process clean-up`,
			flags: []field{
				{"method", "/method", oneWord("soft", map[string]any{"soft": events.DeleteSoft, "archive": events.DeleteArchive, "purge": events.DeletePurge}), "soft, archive or purge"},
				{"cascade", "/cascade", truth, "also the elements that are anchored to it"},
				{"archive-process", "/archiveProcess", text, "the process that archives it, to be recorded"},
			},
			check: func(o *operation) error {
				if o.data["archiveProcess"] != nil && o.data["method"] != events.DeleteArchive {
					return errors.New("--archive-process needs --method archive")
				}
				return nil
			},
		},
		{
			use: "restore QUALIFIED_NAME|GUID", command: events.TypeRestoreElement, period: "-",
			long: "What was deleted together with it is restored too: its relationships and, after --cascade, the elements anchored to it.",
			example: `  camena elements restore Topic::orders
  camena elements restore FileFolder::in --dry-run`,
			drops: "not restored, since it no longer fits",
		},
	}
}

func movingVerbs() []*verb {
	return []*verb{
		{
			use: "publish QUALIFIED_NAME|GUID", command: events.TypePublishElement, period: "-",
			long:    "CAMENA_PUBLISH_ZONES of the repository names these zones; none are all zones.",
			example: `  camena elements publish Topic::orders`,
		},
		{
			use: "withdraw QUALIFIED_NAME|GUID", command: events.TypeWithdrawElement, period: "-",
			long: `These are the zones of new elements: CAMENA_DEFAULT_ZONES of the repository. Where that is
not set, the element is in no zone, and so stays visible in all.`,
			example: `  camena elements withdraw Topic::orders`,
		},
		{
			use: "retype QUALIFIED_NAME|GUID TYPE", command: events.TypeRetypeElement, period: "-",
			long:    "It keeps its guid, name, relationships, and the properties that the new type has too.",
			example: `  camena elements retype DataFile::b.csv CSVFile --set 'delimiterCharacter=;'`,
			args:    []field{element(), {"the new type", "/type", text, ""}}, least: 2,
			properties: []propertiesOf{{"set", "/properties", second, true}},
			about:      first, done: "retyped to %s", drops: "dropped, since the new type has no such attribute",
		},
		{
			use: "rehome QUALIFIED_NAME|GUID", command: events.TypeRehomeElement, period: "-",
			long: `A relationship is named by its guid. --from must be the present metadata source; "" is the repository
itself. Anybody may do this without --source; with it, only the present source may.`,
			example: `  camena elements rehome DataFile::a.csv --from IntegrationConnector::old --to IntegrationConnector::new
  camena elements rehome DataFile::a.csv --from IntegrationConnector::old     # for anybody to change
  camena elements rehome 7f0c2c4e-9a53-5d0b-8a51-2f4f1c6d8e90 --from IntegrationConnector::old`,
			flags: []field{
				{"from", "/from", text, "qualified name of the metadata source that it belongs to"},
				{"to", "/to", text, "qualified name of the one that it is to belong to"},
			},
			look: lookAtTarget, always: true,
		},
	}
}

func copyingVerbs() []*verb {
	return []*verb{
		{
			use: "from-template TEMPLATE", command: events.TypeCreateFromTemplate, period: "-",
			long: `A template is an element that is classified as Template. Elements that are anchored to it are
copied too. ~{name}~ in texts is replaced by the placeholder of that name. The new element is
linked to the template by SourcedFrom, and is in the zones of new elements.`,
			example: `  camena elements from-template 'Server::~{host}~' --placeholder host=alpha --placeholder port=5432
  camena elements from-template 'Server::~{host}~' --name Server::main --placeholder host=alpha --placeholder port=5432 --retrieve`,
			args: []field{{"the template", "/template", nil, ""}}, least: 1,
			flags: []field{
				{"placeholder", "/placeholders", pairs, "a placeholder, as name=value; may be given again"},
				{"name", "/qualifiedName", text, "qualified name of the new element; default: that of the template, with its placeholders"},
				{"guid", "/guid", text, "its guid; default: derived from the qualified name"},
				{"anchor", "/anchor", ref, usageAnchor},
				{"zone", "/zones", texts, `a governance zone of it and its parts; may be given again; "" for none; default: those of new elements`},
				{"retrieve", "/retrieve", truth, "take the element of that name as it is, if it exists"},
			},
			properties: []propertiesOf{{"set", "/properties", nil, true}}, look: lookAtTarget,
			about: func([]string) string { return "" },
		},
	}
}

func classifyingVerbs() []*verb {
	return []*verb{
		{
			use: "classify QUALIFIED_NAME|GUID CLASSIFICATION", command: events.TypeClassifyElement,
			long: `Its properties become those that are given; with --merge the others stay, as does the one of
--effective-from and --effective-to that is not given.`,
			example: `  camena elements classify Topic::orders Confidentiality --set levelIdentifier=2
  camena elements classify Topic::orders Confidentiality --merge --set notes='asked the owner'`,
			args: []field{element(), {"the classification", "/classification/classificationName", text, ""}}, least: 2,
			flags: []field{{"merge", "/merge", truth, usageMerge}}, period: "/classification",
			properties: []propertiesOf{{"set", "/classification/properties", second, true}},
			about:      first, done: "classified as %s", look: lookAtClassification,
		},
		{
			use: "declassify QUALIFIED_NAME|GUID CLASSIFICATION", command: events.TypeDeclassifyElement, period: "-",
			example: `  camena elements declassify Topic::orders Confidentiality`,
			args:    []field{element(), {"the classification", "/classificationName", text, ""}}, least: 2,
			about: first, done: "no longer classified as %s",
		},
	}
}

func linkingVerbs() []*verb {
	return []*verb{
		{
			use: "link TYPE END1 END2", command: events.TypeLinkElements,
			long: `The properties of the relationship become those that are given; with --merge the others stay.
Ends are named by qualified name or guid.`,
			example: `  camena elements link DataFlow Topic::orders Topic::invoices --set label=copies
  camena elements link DataFlow Topic::orders Topic::invoices --merge --set description='Every night'`,
			args: linkArguments("/relationship"), least: 3,
			flags: []field{
				{"merge", "/merge", truth, usageMerge},
				{"guid", "/relationship/guid", text, "the guid of the relationship, for imports and where there are several of the type"},
			},
			properties: []propertiesOf{{"set", "/relationship/properties", first, true}},
			about:      linkName, period: "/relationship", look: lookAtLink,
		},
		{
			use: "unlink TYPE END1 END2 | GUID", command: events.TypeUnlinkElements, period: "-",
			long: `One of several of the same type between the same two elements is named by its guid, which
"camena elements related -o json" shows.`,
			example: `  camena elements unlink DataFlow Topic::orders Topic::invoices
  camena elements unlink 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10`,
			args: linkArguments(""), least: 1, about: linkName,
			check: func(o *operation) error {
				switch {
				case len(o.arguments) == 2:
					return errors.New("the element at end 2 is missing")
				case len(o.arguments) == 3:
				case reference(o.arguments[0]).GUID == "":
					return fmt.Errorf("%q is no guid; name the relationship by type and ends, or by its guid", o.arguments[0])
				default:
					o.data = map[string]any{"guid": o.arguments[0]}
				}
				return nil
			},
		},
	}
}

func linkArguments(pointer string) []field {
	return []field{
		{"the type of the relationship", pointer + "/type", text, ""},
		{"the element at end 1", pointer + "/end1", nil, ""},
		{"the element at end 2", pointer + "/end2", nil, ""},
	}
}

func linkName(args []string) string {
	if len(args) < 3 {
		return args[0]
	}
	return fmt.Sprintf("%s %s → %s", args[0], args[1], args[2])
}

// externalVerbs are the verbs about identifiers in other systems.
func externalVerbs() []*verb {
	arguments := []field{element(), {"the identifier", "/identifier", text, ""}}
	scope := field{"scope", "/scope", ref, "the element that stands for the system in which the identifier is valid"}
	const use = " QUALIFIED_NAME|GUID IDENTIFIER --scope QUALIFIED_NAME|GUID"
	return []*verb{
		{
			use: "add" + use, command: events.TypeLinkExternalID, period: "-",
			long: `--set gives properties of the ExternalId, --link those of the ExternalIdLink. Several elements
may have one identifier; it belongs to the metadata source that created it.`,
			example: `  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm \
    --set keyPattern=LOCAL_KEY --link permittedSynchronization=FROM_THIRD_PARTY --link 'mappingProperties={"table": "C"}'`,
			args: arguments, least: 2, flags: []field{scope}, required: []string{"scope"}, parts: true,
			properties: []propertiesOf{{"set", "/properties", always("ExternalId"), false}, {"link", "/link", always("ExternalIdLink"), false}},
		},
		{
			use: "remove" + use, command: events.TypeUnlinkExternalID, period: "-",
			long: `When no other element has the identifier, it is deleted, unless it belongs to another
metadata source.`,
			example: `  camena elements external-id remove Person::17 4711 --scope SoftwareCapability::crm`,
			args:    arguments, least: 2, flags: []field{scope}, required: []string{"scope"}, parts: true,
		},
		{
			use: "confirm" + use, command: events.TypeConfirmSynchronization, period: "-",
			long: "What changes on either side after that (lastSynchronized) is newer.",
			example: `  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm --time 2026-05-01T08:00:00Z`,
			args: arguments, least: 2, flags: []field{scope, {"time", "/time", moment, "when they were the same; default: now"}},
			required: []string{"scope"}, parts: true,
			check: func(o *operation) error {
				if at, ok := o.data["time"].(time.Time); ok && at.After(time.Now()) {
					return errors.New("--time: that is in the future")
				}
				return nil
			},
		},
	}
}

func (p *program) externalIDCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "external-id", Short: "Record the identifiers by which other systems know an element",
		Long: `Record the identifiers by which other systems know an element. An identifier is valid in the scope
of an element that stands for the other system, such as a SoftwareCapability.`,
		Example: `  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner third-party`,
	}
	for _, v := range append(externalVerbs(), resolveVerb()) {
		cmd.AddCommand(p.verbCommand(v))
	}
	return cmd
}

// lookAtTarget returns what the first argument names. Of a relationship the command is
// the one for relationships.
func lookAtTarget(ctx context.Context, m *client.Client, o *operation) (*events.ElementHeader, error) {
	h, relationship, err := headerAndKind(ctx, m, reference(o.arguments[0]))
	if err != nil {
		if o.command == events.TypeRehomeElement && events.CodeOf(err) == events.CodeNotFound {
			return nil, nil //nolint:nilnil // the repository refuses it
		}
		return nil, err
	}
	if relationship {
		delete(o.data, "element")
		o.set("/relationship/guid", o.arguments[0])
		if o.command == events.TypeUpdateElement {
			o.command = events.TypeUpdateRelationship
		}
	}
	return h, nil
}

func headerAndKind(ctx context.Context, m *client.Client, r events.ElementRef) (h *events.ElementHeader, relationship bool, err error) {
	a, err := events.Ask(ctx, m, &events.Get{ElementRef: r})
	switch {
	case err != nil:
		return nil, false, err
	case a.Relationship != nil:
		return &a.Relationship.Header, true, nil
	default:
		return &a.Element.Header, false, nil
	}
}

// headerOf returns the header of an element or relationship, nil if it does not exist.
func headerOf(ctx context.Context, m *client.Client, r events.ElementRef) (*events.ElementHeader, error) {
	h, _, err := headerAndKind(ctx, m, r)
	if events.CodeOf(err) == events.CodeNotFound {
		return nil, nil //nolint:nilnil // there may be none
	}
	return h, err
}

// lookAtClassification returns the header of the element, with the effectivity of its
// classification; nil where that is replaced.
func lookAtClassification(ctx context.Context, m *client.Client, o *operation) (*events.ElementHeader, error) {
	if o.data["merge"] != true {
		return nil, nil //nolint:nilnil // nothing stays
	}
	a, err := events.Ask(ctx, m, &events.Get{ElementRef: reference(o.arguments[0])})
	if err != nil || a.Element == nil {
		return nil, err
	}
	h := a.Element.Header
	h.Effectivity = events.Effectivity{}
	if c := a.Element.Classification(o.arguments[1]); c != nil {
		h.Effectivity = c.Effectivity
	}
	return &h, nil
}

// lookAtLink returns the header of the relationship that the command names, nil if it
// does not exist.
func lookAtLink(ctx context.Context, m *client.Client, o *operation) (*events.ElementHeader, error) {
	if guid := o.cmd.Flags().Lookup("guid").Value.String(); guid != "" {
		return headerOf(ctx, m, events.ByGUID(guid))
	}
	other, err := headerOf(ctx, m, reference(o.arguments[2]))
	if err != nil || other == nil {
		return nil, err
	}
	q := &events.Related{ElementRef: reference(o.arguments[1]), Relationship: o.arguments[0], End: 1}
	link, err := findRelated(ctx, m, q, func(h *events.ElementHeader) bool { return h.GUID == other.GUID })
	if link == nil {
		return nil, err
	}
	return &link.Header, nil
}

// findRelated returns the relationship to the element that is meant, nil if there is
// none.
func findRelated(ctx context.Context, m *client.Client, q *events.Related, is func(*events.ElementHeader) bool) (*events.Relationship, error) {
	for r, err := range events.All(ctx, m, q) {
		if err != nil {
			return nil, err
		}
		if is(&r.Element.Header) {
			return &r.Relationship, nil
		}
	}
	return nil, nil //nolint:nilnil // there may be none
}
