import Plans
import Testing

@Suite struct ScriptTests {
  static func script(_ command: String) throws -> PlanScript {
    let source = "resource \"azurerm_key_vault\" \"this\" {\n provisioner \"local-exec\" {\n command = \(command)\n }\n}"
    return try #require(try PlanFixture.read(PlanFixture.plan([PlanFixture.change()]), sources: ["main.tf": source]).resources.first?.scripts.first)
  }

  @Test("A part that only the apply knows is left open where it is an argument", arguments: [
    (#""echo ${a.b.c}""#, "echo ${?}"), (#""az vm stop --ids ${a.b.c}""#, "az vm stop --ids ${?}"), (#""X=${a.b.c} make all""#, "X=${?} make all"), (#""curl https://${a.b.c}/x""#, "curl https://${?}/x"), (#""az login""#, "az login"),
  ])
  func open(command: String, text: String) throws { #expect(try Self.script(command).text == text) }

  @Test("Where it decides what runs, the script is not known", arguments: [
    #""${a.b.c}""#, #"a.b.c"#, #""az ${a.b.c}""#, #""az keyvault ${a.b.c} --name x""#, #""bash -c '${a.b.c}'""#, #""true; ${a.b.c} x""#, #""echo $(${a.b.c})""#, #""echo x | ${a.b.c}""#, "<<-E\n  set -e\n  ${a.b.c}\n E\n", #""X=1 ${a.b.c}""#,
    #""/usr/bin/az ${a.b.c}""#, #""eval x ${a.b.c}""#, #""sudo ${a.b.c}""#, #""${a.b.c}/tool x""#, #""AZ ${a.b.c}""#,
  ])
  func unknown(command: String) throws { #expect(try Self.script(command).text == nil) }
}
